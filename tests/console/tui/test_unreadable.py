"""The console over a state folder of which something cannot be read."""

from backends.keeper.folder import server_folder, servers_folder
from tests.console.conftest import SERVER, MadeHost, started, until

SIZE = (120, 35)


async def test_an_unreadable_journal_ends_neither_the_console_nor_the_list(
    made_host: MadeHost,
) -> None:
    app = made_host.app()
    (server_folder(made_host.folder, "damaged") / "journal.jsonl").mkdir(parents=True)
    async with app.run_test(size=SIZE) as pilot:
        await started(pilot, app)
        await until(pilot, lambda: len(app.session.servers) == 2)
        notes = {each.name: each.note for each in app.session.servers}
        assert "cannot be read" in notes["damaged"]
        assert "cannot be read" not in notes[SERVER]


async def test_a_list_of_servers_that_cannot_be_had_is_told_and_had_again(
    made_host: MadeHost,
) -> None:
    app = made_host.app()
    place = servers_folder(made_host.folder)
    place.write_text("no folder")
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: "servers" in app.session.failed_sources)
        assert "cannot be read" in app.session.failed_sources["servers"]
        place.unlink()
        await until(pilot, lambda: "servers" not in app.session.failed_sources)
