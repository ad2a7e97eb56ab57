"""Tests of Headwater. A package of its own, so that none of the same name from elsewhere is taken for it."""
