"""What the person at the terminal sees and presses. Portable; knows the simulation, prints text."""

from firmware.signals import COIL_NAMES, STATE_NAMES
from tools.simulator.events import line
from tools.simulator.switchgear import NAMES

KEYS = (
    "g grid off/on   1 2 3 lose/restore a phase   s sag to 0.5 for 80 ms   d dip to 0.3 for 0.5 s",
    "+ - SOC   w weld/repair K_GRID   k stuck/repair Q_L2   4 DIP 4   o operating switch   b bypass",
    "p next page   r restart the box   q quit",
)
_EVENTS = 12
_NOMINAL = 230.0


class Terminal:
    """Draws the box and the plant, and turns keys into scenario steps."""

    def __init__(self, simulation, tty: str) -> None:
        self._simulation = simulation
        self._tty = tty
        self._recent: list = []
        self._flags: dict = {}
        self.quit = False

    def note(self, event: dict) -> None:
        """Remember an event for the screen."""
        self._recent.append(line(event))
        if len(self._recent) > _EVENTS:
            del self._recent[0]

    def draw(self) -> str:
        """Return the whole screen, as ANSI text that overwrites the last one."""
        simulation = self._simulation
        plant, box = simulation.plant, simulation.box
        display = simulation.board.display.lines
        coils = [
            "%s %s%s"
            % (
                name,
                "ON " if box.coils >> n & 1 else "off",
                "*" if plant.contactors[n].main else " ",
            )
            for n, name in enumerate(COIL_NAMES)
        ]
        lines = [
            "Backup box, simulated %10.1f s   Modbus RTU, unit 1: %s" % (simulation.t_ms / 1000, self._tty),
            "",
            "  +----------------------+   state   %s" % STATE_NAMES[box.state],
            "  | %s |   grid    %s V  %.2f Hz"
            % (display[0], _three([plant.grid_volts(n) for n in range(3)]), plant.grid_hz),
            "  | %s |   load    %s V" % (display[1], _three([plant.load_volts(n) for n in range(3)])),
            "  | %s |   backup  %s V" % (display[2], _three([plant.backup_volts(n) for n in range(3)])),
            "  | %s |   SOC %d %%   DIP %s   switch %s%s"
            % (
                display[3],
                plant.soc,
                "".join([str(plant.dip >> n & 1) for n in range(4)]),
                "AUTO" if plant.switch_auto else "OFF",
                "   BYPASS" if plant.bypass else "",
            ),
            "  +----------------------+   %s   (* conducts)" % "  ".join(coils),
            "",
        ]
        lines += self._recent + [""] * (_EVENTS - len(self._recent))
        lines += [""] + list(KEYS)
        return "\x1b[H" + "".join(text + "\x1b[K\r\n" for text in lines) + "\x1b[J"

    def press(self, key: str) -> None:
        """Do what a key stands for; unknown keys do nothing."""
        simulation = self._simulation
        plant = simulation.plant
        if key == "q":
            self.quit = True
        elif key == "g":
            down = max(plant.grid_v) > 0
            self._do({"grid_v": [0.0 if down else _NOMINAL] * 3})
        elif key in ("1", "2", "3"):
            volts = list(plant.grid_v)
            volts[int(key) - 1] = 0.0 if volts[int(key) - 1] else _NOMINAL
            self._do({"grid_v": volts})
        elif key in ("s", "d"):
            part, length_s = (0.5, 0.08) if key == "s" else (0.3, 0.5)
            before = list(plant.grid_v)
            self._do({"grid_v": [volt * part for volt in before]})
            simulation.add_step({"at_s": simulation.t_ms / 1000 + length_s, "grid_v": before})
        elif key in ("+", "-"):
            self._do({"soc": max(0, min(100, plant.soc + (5 if key == "+" else -5)))})
        elif key == "w":
            self._toggle_fault("weld", "grid")
        elif key == "k":
            self._toggle_fault("stuck", "q2")
        elif key == "4":
            dip = plant.dip ^ 8
            self._do({"dip": [dip >> n & 1 for n in range(4)]})
        elif key == "o":
            self._do({"switch": "off" if plant.switch_auto else "auto"})
        elif key == "b":
            self._do({"bypass": not plant.bypass})
        elif key == "r":
            self._do({"restart": True})
        elif key == "p":
            simulation.press_page_key()

    def _toggle_fault(self, kind: str, name: str) -> None:
        broken = getattr(self._simulation.plant.contactors[NAMES.index(name)], kind)
        self._do({"fault": "none" if broken else kind + "_" + name})

    def _do(self, step: dict) -> None:
        self._simulation.apply(step)


def _three(values: list) -> str:
    return "%5.1f %5.1f %5.1f" % tuple(values)
