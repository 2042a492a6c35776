"""Walking, comparing, planning and moving objects."""
