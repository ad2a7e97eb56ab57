"""Options that several commands have."""

from typing import Annotated

from cyclopts import Parameter

AppOption = Annotated[str | None, Parameter(name="--app")]
