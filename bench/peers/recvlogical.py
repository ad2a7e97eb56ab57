"""pg_recvlogical of the same wheel: the least that anyone can do with a slot is write what it sends to a file."""

from pathlib import Path

from bench.process import Ran, run_command
from headwater.engines.programs import find_postgres


async def receive(url: str, slot: str, publication: str, upto: str, file: Path) -> Ran:
    """Everything from the slot up to an LSN, with the options that the relay uses, durably in `file`."""
    return await run_command(
        [find_postgres().postgres.with_name("pg_recvlogical"), f"--dbname={url}", f"--slot={slot}", "--start",
         f"--file={file}", f"--endpos={upto}", "--no-loop", "--option=proto_version=1",
         f"--option=publication_names={publication}", "--option=messages=true"],
    )  # fmt: skip
