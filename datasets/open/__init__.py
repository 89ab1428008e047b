"""Open cohorts: data of real patients that is published, and read once it is fetched."""
