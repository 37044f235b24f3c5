"""Reports: views of `results.json` that people read. Nothing here scores anything."""
