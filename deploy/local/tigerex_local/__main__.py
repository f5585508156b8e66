"""`python -m tigerex_local`: one command for a local cluster."""

from tigerex_local.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
