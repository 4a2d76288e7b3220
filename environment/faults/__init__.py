"""`make test-faults`: what stands after a kill or a failing disk, counted."""
