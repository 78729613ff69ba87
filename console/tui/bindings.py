"""The key bindings as data: every action with its id, its key, its word and its tooltip."""

from textual.binding import Binding, BindingType

APP_BINDINGS: list[BindingType] = [
    Binding("s", "server('start')", "Start", id="server.start", tooltip="Start the server"),
    Binding("s", "server('stop')", "Stop", id="server.stop", tooltip="Stop it (asks first)"),
    Binding(
        "f",
        "server('fix')",
        "Fix",
        id="server.fix",
        tooltip="Apply what the failure's fix says, and start (shows it first)",
    ),
    Binding(
        "r",
        "server('restart')",
        "Restart",
        id="server.restart",
        tooltip="Stop, then start",
        show=False,
    ),
    Binding(
        "z",
        "server('sleep')",
        "Sleep",
        id="server.sleep",
        tooltip="Free its GPU memory without ending it; asks first",
        show=False,
    ),
    Binding(
        "z",
        "server('wake')",
        "Wake",
        id="server.wake",
        tooltip="Wake a server that sleeps",
    ),
    Binding(
        "x",
        "server('end')",
        "End orphans",
        id="server.end",
        tooltip="Kill orphaned processes of servers",
    ),
    Binding(
        "e",
        "export",
        "Export",
        id="screen.export",
        tooltip="Write it to files",
        show=False,
    ),
    Binding(
        "E",
        "configure",
        "Edit config",
        id="app.configure",
        tooltip="Add or edit a server profile, endpoint, price, limits, budget in a form",
        show=False,
    ),
    Binding(
        "question_mark", "show('help')", "Help", id="app.help", key_display="?", tooltip="All keys"
    ),
    Binding("q", "server('leave')", "Quit", id="app.quit", tooltip="Quit (server keeps running)"),
]
"""What every screen offers."""

WHOLE = "Maximize or restore the panel"

MAIN_BINDINGS: list[BindingType] = [
    Binding("a", "app.ab('once')", "A/B", id="ab.once", tooltip="Run once on each target"),
    Binding(
        "A",
        "app.ab('series')",
        "Series",
        id="ab.series",
        tooltip="Run a series (20 each)",
    ),
    Binding(
        "a,A",
        "app.ab('explain')",
        "Why not",
        id="ab.missing",
        tooltip="A/B needs",
        show=False,
    ),
    Binding(
        "x",
        "app.ab('cancel')",
        "Cancel",
        id="ab.cancel",
        tooltip="Cancel the series (its runs are kept)",
    ),
    Binding(
        "x",
        "app.load('cancel')",
        "Cancel load",
        id="load.stop",
        tooltip="End the load test; its steps are kept",
    ),
    Binding(
        "L",
        "app.load('open')",
        "Load test",
        id="load.open",
        tooltip="Begin a load test, or show the one that runs",
        show=False,
    ),
    Binding(
        "x",
        "app.study('cancel')",
        "Cancel study",
        id="study.stop",
        tooltip="End the study; what is measured is kept, and S resumes it",
    ),
    Binding(
        "S",
        "app.study('open')",
        "Study",
        id="study.open",
        tooltip="Measure this server beside an endpoint whole, as one page; resumes one cut off",
        show=False,
    ),
    Binding("p", "app.ab('prompt')", "Prompt", id="ab.prompt", tooltip="Choose or type the prompt"),
    Binding("l", "app.show('logs')", "Logs", id="screen.logs", tooltip="The server's log"),
    Binding("c", "app.show('costs')", "Cost", id="screen.costs", tooltip="Chart, options, what if"),
    Binding(
        "h",
        "app.show('history')",
        "History",
        id="screen.history",
        tooltip="Starts, A/B, load tests",
    ),
    Binding("g", "app.show('gpus')", "GPUs", id="screen.gpus", tooltip="GPUs and their processes"),
    Binding(
        "w",
        "app.show('servers')",
        "Servers",
        id="screen.servers",
        tooltip="Every vLLM of this host",
        show=False,
    ),
    Binding(
        "t",
        "app.show('series')",
        "Over time",
        id="screen.series",
        tooltip="VRAM, KV cache, queue, tokens, $ over minutes to days",
        show=False,
    ),
    Binding(
        "exclamation_mark",
        "app.show('problems')",
        "Problems",
        id="screen.problems",
        key_display="!",
        tooltip="Sources that do not answer, and why",
        show=False,
    ),
    Binding(
        "n",
        "app.show('next')",
        "Next server",
        id="server.next",
        tooltip="Show the next vLLM of this host",
        show=False,
    ),
    Binding("1", "maximise(1)", "Start-up panel", id="panel.startup", tooltip=WHOLE, show=False),
    Binding("2", "maximise(2)", "VRAM panel", id="panel.vram", tooltip=WHOLE, show=False),
    Binding("3", "maximise(3)", "A/B panel", id="panel.ab", tooltip=WHOLE, show=False),
    Binding("4", "maximise(4)", "Cost panel", id="panel.cost", tooltip=WHOLE, show=False),
    Binding("5", "maximise(5)", "Serving panel", id="panel.serving", tooltip=WHOLE, show=False),
    Binding(
        "escape",
        "restore",
        "All panels",
        id="panel.restore",
        tooltip="Restore all panels",
        show=False,
    ),
]
"""What the main screen adds."""

BACK = Binding("escape", "app.pop_screen", "Back", id="screen.back", tooltip="To the main screen")
"""What every other screen adds."""
