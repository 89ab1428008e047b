"""What it means: metrics, calibration, statistics, tables, figures and pages, from a frame of outcomes alone."""
