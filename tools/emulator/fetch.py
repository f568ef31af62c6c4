"""`python -m tools.emulator.fetch`: get the MicroPython image if there is none yet, or say why not."""

from tools.emulator import image


def main() -> None:
    """Fetch the image; what cannot be had is said in one line, and the suite skips then."""
    try:
        print(f"MicroPython image: {image.fetch()}")
    except image.ImageError as error:
        print(f"emulator: {error}")


if __name__ == "__main__":
    main()
