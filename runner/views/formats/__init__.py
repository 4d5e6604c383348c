"""A report in other formats, one module each: `render(document)` takes the parsed JSON report and nothing else."""
