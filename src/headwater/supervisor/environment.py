"""The settings as environment variables, from which a child reads them."""

import msgspec

from headwater.settings import Settings, written


def environment_of(settings: Settings) -> dict[str, str]:
    """Every setting that has a value, under its variable's name; the inverse of `read_settings`."""
    return {
        f"HEADWATER_{name.upper()}": written(value)
        for name, value in msgspec.structs.asdict(settings).items()
        if value is not None
    }
