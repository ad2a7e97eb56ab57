"""Files: uploads that a command keeps, and downloads of what was kept."""

from headwater.http.files.download import Download
from headwater.http.files.upload import Upload

__all__ = ["Download", "Upload"]
