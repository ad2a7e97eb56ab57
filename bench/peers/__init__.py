"""What Headwater is measured against, written as well as we can."""
