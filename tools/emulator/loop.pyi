from typing import Any

class Loop:
    rp2040: Any
    clock: Any
    stopped: bool
    def __init__(self, chip: Any) -> None: ...
    def run(self) -> None: ...
