"""Files: uploads that commands keep, and downloads of objects."""

from headwater.http.files.download import Download
from headwater.http.files.upload import Upload

__all__ = ["Download", "Upload"]
