"""Pages of long lists: sorted, filtered, counted, and paged in both directions by signed cursors."""

from headwater.http.page.declaration import Pages
from headwater.http.page.listing import Listing
from headwater.http.page.page import Page

__all__ = ["Listing", "Page", "Pages"]
