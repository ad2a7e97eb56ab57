"""Settings on their way to a child."""

from pathlib import Path

from headwater.settings import Settings, read_settings
from headwater.supervisor.environment import environment_of


def test_a_child_reads_the_settings_that_its_supervisor_has() -> None:
    settings = Settings(
        home=Path("/srv/a folder"), port=0, postgres_url="postgresql://u:p@h/d", docs=False, drain_seconds=2.5, web=7
    )
    assert read_settings(environment_of(settings)) == settings


def test_what_is_not_set_is_not_passed_on() -> None:
    assert "HEADWATER_POSTGRES_URL" not in environment_of(Settings())
