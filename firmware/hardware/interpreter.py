"""Which interpreters can run the box. Not kept in memory afterwards."""


def refuse_interpreter(name: str, version: tuple) -> str:
    """Return why `sys.implementation.name` and `.version` cannot run the box, or an empty string.

    Before 1.28 a soft reset leaves DMA running into freed memory.
    """
    number = ".".join([str(part) for part in version[:3]])
    if name != "micropython":
        return "MicroPython 1.28 or newer is needed; this is %s %s" % (name, number)
    preview = len(version) > 3 and version[3] == "preview"
    if tuple(version[:2]) < (1, 28) or (tuple(version[:3]) == (1, 28, 0) and preview):
        return "MicroPython 1.28 or newer is needed; this is %s%s" % (number, "-preview" if preview else "")
    return ""
