"""`make sweep`: all seeds, splits and arms of a profile, as a Snakemake workflow."""
