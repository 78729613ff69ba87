"""The key bindings as data: every action with its id, its key, its word and its tooltip."""

from textual.binding import Binding, BindingType

BINDINGS: list[BindingType] = [
    Binding("s", "start", "Start", id="server.start", tooltip="Start the server"),
    Binding("s", "stop", "Stop", id="server.stop", tooltip="Stop the server; asks first"),
    Binding("r", "restart", "Restart", id="server.restart", tooltip="Stop, then start again"),
    Binding("a", "race", "A/B", id="ab.once", tooltip="The same prompt at both endpoints, once"),
    Binding("A", "series", "Series", id="ab.series", tooltip="Twenty runs at each endpoint"),
    Binding("x", "cancel_series", "Cancel", id="ab.cancel", tooltip="End the series; runs are kept"),
    Binding("p", "prompt", "Prompt", id="ab.prompt", tooltip="Choose or type the prompt"),
    Binding("l", "logs", "Logs", id="screen.logs", tooltip="The server's log"),
    Binding("c", "cost", "Cost", id="screen.cost", tooltip="Both lines of cost, and what if"),
    Binding("h", "history", "History", id="screen.history", tooltip="Earlier starts and series"),
    Binding("g", "gpus", "GPUs", id="screen.gpus", tooltip="Every GPU with its processes"),
    Binding("e", "export", "Export", id="screen.export", tooltip="Write what is on screen to files"),
    Binding("1", "maximise(1)", "Start-up", id="panel.startup", show=False),
    Binding("2", "maximise(2)", "VRAM", id="panel.vram", show=False),
    Binding("3", "maximise(3)", "A/B", id="panel.ab", show=False),
    Binding("4", "maximise(4)", "Cost", id="panel.cost", show=False),
    Binding("question_mark", "help", "Help", id="app.help", key_display="?", tooltip="All keys"),
    Binding("q", "quit", "Quit", id="app.quit", tooltip="Quit; a running server goes on"),
]
