"""One PIO of rp2040py on a bench: programs as `asm_pio` made them, levels on pins, words through FIFOs.

There is no processor and no DMA; the FIFOs are fed and emptied as if a DMA were there. Time is in
microseconds since the start, at a system clock of 125 MHz.
"""

from collections.abc import Iterable
from typing import Any

from rp2040py.gpio_pin import GPIOPinState
from rp2040py.rp2040 import RP2040

_CYCLES_PER_US = 125
_NEVER = 1 << 61
_CTRL, _IRQ, _IRQ_FORCE, _MEMORY, _CLKDIV = 0x000, 0x030, 0x034, 0x048, 0x0C8
_EXECCTRL, _SHIFTCTRL, _INSTR, _PINCTRL = 4, 8, 16, 20
_MACHINE_SPACING = 24


class PioBench:
    """`edges[gpio]` are the levels that the PIO drove, as (time, level); `received[machine]` the words
    that it pushed, as (time, word); `to_send[machine]` those that it may pull."""

    def __init__(self, index: int) -> None:
        self._chip = RP2040()
        self._chip.simulator = self  # or rp2040py would run the programs by itself
        self._pio: Any = self._chip.pio[index]
        self._function = 6 + index
        for pin in self._chip.gpio:
            pin.pad_value |= 0x40  # the input is on, as MicroPython has it
        self._free = 0
        self.edges: dict[int, list[tuple[float, int]]] = {}
        self.received: list[list[tuple[float, int]]] = [[] for _ in range(4)]
        self.to_send: list[list[int]] = [[] for _ in range(4)]
        self._inputs: list[tuple[float, int, int]] = []

    @property
    def now_us(self) -> float:
        return self._pio.cycle_fp / 256 / _CYCLES_PER_US

    def load(
        self,
        machine: int,
        program: list,
        freq: int,
        out_base: int | None = None,
        set_base: int | None = None,
        sideset_base: int | None = None,
        in_base: int = 0,
        jmp_pin: int = 0,
    ) -> None:
        """Do what `StateMachine(machine, program, freq, ...)` does; the machine is not started."""
        words, _, _, _, execctrl, shiftctrl, out_init, set_init, side_init = program
        for k, word in enumerate(words):
            relocated = word + self._free if word >> 13 == 0 else word
            self._pio.write_uint32(_MEMORY + 4 * (self._free + k), relocated)
        execctrl += self._free << 12 | self._free << 7 | jmp_pin << 24
        pinctrl = in_base << 15
        for base, states, base_at, count_at in (
            (out_base, out_init, 0, 20),
            (set_base, set_init, 5, 26),
            (sideset_base, side_init, 10, 29),
        ):
            if base is not None:
                states = (states,) if isinstance(states, int) else states
                enable = execctrl >> 30 & 1 if base_at == 10 else 0
                pinctrl |= base << base_at | len(states) + enable << count_at
                for k, state in enumerate(states):
                    self._output(base + k, state)
        self._write(machine, 0, 125000000 * 256 // freq << 8)
        self._write(machine, _EXECCTRL, execctrl)
        self._write(machine, _SHIFTCTRL, shiftctrl)
        self._write(machine, _PINCTRL, pinctrl)
        self._write(machine, _INSTR, self._free)  # a jump to the start
        self._free += len(words)

    def _write(self, machine: int, register: int, value: int) -> None:
        self._pio.write_uint32(_CLKDIV + machine * _MACHINE_SPACING + register, value)

    def _output(self, gpio: int, state: int) -> None:
        pin = self._chip.gpio[gpio]
        pin.ctrl = self._function
        self._pio.pin_values_changed(state & 1, gpio, 1)
        self._pio.pin_directions_changed(state >> 1, gpio, 1)
        self.edges[gpio] = [(0.0, state & 1)]
        pin.add_listener(lambda new, _old: self._edge(gpio, int(new == GPIOPinState.HIGH)))

    def _edge(self, gpio: int, level: int) -> None:
        if self.edges[gpio][-1][1] != level:
            self.edges[gpio].append((self.now_us, level))

    def start(self, *machines: int) -> None:
        self._pio.write_uint32(_CTRL, sum(1 << machine for machine in machines))

    def drive(self, gpio: int, levels: Iterable[tuple[float, int]]) -> None:
        """Drive a pin from outside: levels as (time, 0 or 1)."""
        self._inputs = sorted(self._inputs + [(at, gpio, level) for at, level in levels])

    def set_flag(self, flag: int) -> None:
        self._pio.write_uint32(_IRQ_FORCE, 1 << flag)

    @property
    def flags(self) -> int:
        return self._pio.irq

    def run_until(self, end_us: float) -> None:
        """Let time pass, no further than to the next instruction or level at once."""
        end = round(end_us * _CYCLES_PER_US)
        while self._pio.cycle_fp >> 8 < end:
            now = self._pio.cycle_fp
            while self._inputs and self._inputs[0][0] <= self.now_us:
                _, gpio, level = self._inputs.pop(0)
                self._chip.gpio[gpio].set_input_value(bool(level))
            self._move_words()
            steps = [end - (now >> 8)]
            if self._pio.next_due_fp < _NEVER:
                steps.append(-((now - self._pio.next_due_fp) >> 8))
            if self._inputs:
                steps.append(int(self._inputs[0][0] * _CYCLES_PER_US) + 1 - (now >> 8))
            self._pio.advance(max(1, min(steps)))
        self._move_words()

    def _move_words(self) -> None:
        for k, machine in enumerate(self._pio.machines):
            while not machine.rx_fifo.empty:
                self.received[k].append((self.now_us, machine.read_fifo()))
            while self.to_send[k] and not machine.tx_fifo.full:
                machine.write_fifo(self.to_send[k].pop(0))
