"""Settings on their way to a child."""

from pathlib import Path

import pytest

from headwater.settings import Settings, SettingsError, read_settings
from headwater.supervisor.environment import environment_of


def test_a_child_reads_the_settings_that_its_supervisor_has() -> None:
    settings = Settings(
        home=Path("/srv/a folder"), port=0, postgres_url="postgresql://u:p@h/d", docs=False, drain_seconds=2.5, web=7
    )
    assert read_settings(environment_of(settings)) == settings


def test_what_is_not_set_is_not_passed_on() -> None:
    assert "HEADWATER_POSTGRES_URL" not in environment_of(Settings())


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("PORT", "abc", "it must be a whole number from 0 to 65535"),
        ("PORT", "65536", "it must be a whole number from 0 to 65535"),
        ("METRICS_PORT", "none", "it must be a whole number from 0 to 65535"),
        ("RETENTION_HOURS", "0", "it must be a whole number, at least 1"),
        ("SHED_TARGET_SECONDS", "soon", "it must be a number, above 0 and at most 60"),
        ("DOCS", "perhaps", "it must be true or false"),
        ("LOG_LEVEL", "loud", "it must be one of debug, error, info, warning"),
    ],
)
def test_what_a_setting_may_be_is_said_in_words(name: str, value: str, reason: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read_settings({f"HEADWATER_{name}": value})
    assert str(refused.value) == f"HEADWATER_{name}='{value}' is not a valid setting: {reason}."
