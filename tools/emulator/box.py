"""The whole box on the emulated board: Pico, converters, plant, display and RS485 line."""

import importlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tools.emulator import filesystem, image
from tools.emulator.devices.adc import AdcInputs
from tools.emulator.devices.display import Display
from tools.emulator.devices.mcp3208 import Mcp3208Pair
from tools.emulator.devices.plant import PlantAtPins
from tools.emulator.devices.rs485 import Rs485Line
from tools.emulator.machine import Machine
from tools.flash.build import board_names, board_script, build_tree
from tools.register_list import addresses
from tools.simulator.line import write_single

SOC_REGISTER = "soc"


class Box:
    """What hangs on the board. `files` replaces or, with None as content, removes files of the tree.

    Sources among them are written with the names of `firmware/`; the board gets them with those it has.
    """

    def __init__(
        self,
        board: str = "pico",
        files: Mapping[str, bytes | None] | None = None,
        uf2: Path | None = None,
        seed: int = 1,
    ) -> None:
        pin_map = pin_map_of(board)
        tree: dict[str, Any] = {path.lstrip("/"): content for path, content in build_tree(board).items()}
        for path, content in (files or {}).items():
            if content is not None and path.endswith(".py"):
                module = path.lstrip("/").startswith("firmware/")
                content = board_script(content.decode(), module=module).encode()
            tree[path.lstrip("/")] = content
        self.pins: dict[str, int] = dict(pin_map.PINS)
        self.plant = PlantAtPins(pin_map, seed)
        self.line = Rs485Line()
        self.display = Display()
        self.converters: Mcp3208Pair | None = None
        self.adc: AdcInputs | None = None
        devices: list[Any] = [self.plant, self.line, self.display]
        if pin_map.FRONT_END == "mcp3208":
            pins = self.pins
            self.converters = Mcp3208Pair(
                self.plant.source,
                clock=pins["adc_clock"],
                cs=pins["adc_cs"],
                mosi=pins["adc_mosi"],
                data=(pins["adc_data_a"], pins["adc_data_b"]),
            )
            devices.append(self.converters)
        elif pin_map.FRONT_END == "adc":
            self.adc = AdcInputs(self.plant.adc_source)
            devices.append(self.adc)
        disk = filesystem.build({path: content for path, content in tree.items() if content is not None})
        self.machine = Machine(uf2 or image.find(), disk, devices)

    def play(self, steps: Iterable[dict]) -> None:
        """Put the steps of a scenario (tools.simulator.scenario.load) into the schedule."""
        for step in steps:
            keys = {key: value for key, value in step.items() if key not in ("at_s", "restart")}
            self.plant.schedule(step["at_s"], **keys)
            if step.get("restart"):
                self.machine.at(step["at_s"] * 1e9, self.machine.reset)

    def tell_soc(self, register: int, unit: int = 1, every_s: float = 1.0) -> None:
        """Let the line's master write the battery's state of charge into a register, again and again."""

        def tell() -> None:
            if not self.plant.plant.soc_silent:
                self.line.send(write_single(unit, register, int(self.plant.plant.soc)))
            alarm.schedule(every_s * 1e9)

        alarm = self.machine.alarm(tell)
        alarm.schedule(every_s * 1e9)


def register(name: str) -> int:
    """Return the address of a register by its name (docs/registers.md)."""
    return addresses()[name]


def pin_map_of(board: str) -> Any:
    """Return the board file of a board's name. ValueError when there is none."""
    if board not in board_names():
        raise ValueError(f"there is no board {board}: the board files are {', '.join(board_names())}")
    return importlib.import_module(f"firmware.hardware.board_{board}")
