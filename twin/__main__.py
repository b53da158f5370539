"""`python -m twin` is the command `twin`."""

from twin.cli.main import run

if __name__ == "__main__":
    run()
