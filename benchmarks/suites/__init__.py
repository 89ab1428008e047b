"""The suites, one TOML file each."""
