"""The fake of `rp2`: it assembles what MicroPython assembles, executes it, and refuses what is wrong."""

# ruff: noqa: F821  the instructions of a PIO program exist inside `asm_pio` only

import sys

sys.path.insert(0, "host_tests/shims")

from array import array

import machine
import rp2
from machine import Pin, mem32

PIO0 = 0x50200000
RX_FIFO_0, DREQ_RX_0 = PIO0 + 0x20, 4
UNPACED = 0x3F


def _raised(error, call, *args, **kwargs):
    try:
        call(*args, **kwargs)
    except error:
        return True
    return False


def _started(program, freq=1000000, number=0, **pins):
    """Return a machine that runs on a new chip; with 1 MHz a cycle takes a microsecond."""
    machine.power_on()
    state_machine = rp2.StateMachine(number, program, freq=freq, **pins)
    state_machine.active(1)
    return state_machine


def _edges(gpio):
    return [(round(at), level) for at, level in machine.pin_edges(gpio)]


# Assembling. The words were made by MicroPython 1.28 on the chip.


@rp2.asm_pio(
    out_init=(rp2.PIO.OUT_LOW, rp2.PIO.OUT_HIGH),
    set_init=rp2.PIO.OUT_LOW,
    sideset_init=(rp2.PIO.OUT_LOW, rp2.PIO.OUT_HIGH),
    in_shiftdir=rp2.PIO.SHIFT_RIGHT,
    out_shiftdir=rp2.PIO.SHIFT_LEFT,
    autopush=True,
    push_thresh=12,
    pull_thresh=24,
)
def everything():
    label("first")
    pull(ifempty, noblock).side(2)[3]
    wrap_target()
    out(exec, 16)
    out(pindirs, 32)[3]
    out(pins, 2).side(1)
    mov(x, invert(y))
    mov(isr, reverse(osr)).side(3)[1]
    mov(exec, x)
    mov(pc, status)
    in_(null, 32)
    in_(pins, 5)[2]
    push(iffull).side(0)
    push(noblock)
    wait(1, gpio, 17)
    wait(0, pin, 3)
    wait(1, irq, rel(2))
    irq(block, rel(1))
    irq(noblock, 3)
    irq(clear, 7)
    irq(5)
    set(pindirs, 31)
    set(y, 0)
    jmp("last")
    jmp(not_x, "first")
    jmp(not_y, "last")
    jmp(y_dec, "first").side(2)
    jmp(not_osre, "last")
    jmp(pin, "first")
    word(0x8020)
    label("last")
    nop()[3]
    wrap()
    pull(block)


@rp2.asm_pio(sideset_init=rp2.PIO.OUT_LOW, side_pindir=True)
def sided():
    nop().side(1)[15]
    mov(y, x).side(0)


def test_programs_are_assembled_as_by_micropython():
    assert list(everything[0]) == [
        0x9BC0, 0x60F0, 0x6380, 0x7402, 0xA02A, 0xBDD7, 0xA081, 0xA0A5, 0x4060, 0x4205,
        0x9060, 0x8000, 0x2091, 0x2023, 0x20D2, 0xC031, 0xC003, 0xC047, 0xC005, 0xE09F,
        0xE040, 0x001C, 0x0020, 0x007C, 0x1880, 0x00FC, 0x00C0, 0x8020, 0xA342, 0x80A0,
    ]  # fmt: skip
    assert everything[4:] == [0x4001C080, 0x30C50000, (2, 3), 2, (2, 3)]
    assert list(sided[0]) == [0xBF42, 0xA041]
    assert sided[4:] == [0x20001000, 0, None, None, 2]
    assert rp2.asm_pio_encode("pull().side(2)[1]", 3, True) == 0x99A0
    assert rp2.asm_pio_encode("set(x, 5).side(1)[7]", 2) == 0xEF25


def test_wrong_programs_are_refused():
    def assemble(function, **settings):
        return rp2.asm_pio(**settings)(function)

    def delay():
        nop()[32]

    def delay_beside_side():
        nop().side(1)[16]

    def side_without_pins():
        nop().side(1)

    def side_too_large():
        nop().side(2)

    def nowhere():
        jmp("nowhere")

    def twice():
        label("here")
        nop()
        label("here")

    def no_bits():
        out(x, 0)

    def too_many_bits():
        in_(pins, 33)

    for wrong in (delay, nowhere, twice, no_bits, too_many_bits, side_without_pins):
        assert _raised(rp2.PIOASMError, assemble, wrong), wrong
    for wrong in (delay_beside_side, side_too_large):
        assert _raised(rp2.PIOASMError, assemble, wrong, sideset_init=rp2.PIO.OUT_LOW), wrong
    assert _raised(TypeError, rp2.asm_pio, outinit=rp2.PIO.OUT_LOW)

    def large_value():
        set(x, 32)

    def no_such_flag():
        irq(8)

    def out_to_osr():
        out(osr, 1)

    def empty():
        pass

    for wrong in (large_value, no_such_flag, out_to_osr, empty):
        assert _raised(AssertionError, assemble, wrong), "MicroPython would encode nonsense: %s" % wrong


def test_assembling_leaves_the_module_as_it_was():
    assert not hasattr(sys.modules[__name__], "wrap_target") and machine.freq() == 125000000


# State machines.


@rp2.asm_pio(set_init=rp2.PIO.OUT_LOW, sideset_init=rp2.PIO.OUT_HIGH)
def pulses():
    set(x, 2).side(1)
    label("again")
    set(pins, 1).side(0)[4]
    set(pins, 0).side(1)[2]
    jmp(x_dec, "again").side(1)
    label("stay")
    jmp("stay").side(1)


def test_instructions_take_their_time():
    _started(pulses, set_base=3, sideset_base=9)
    machine.advance_us(100)
    assert _edges(3) == [(0, 0), (1, 1), (6, 0), (10, 1), (15, 0), (19, 1), (24, 0)]
    assert _edges(9) == [(0, 1), (1, 0), (6, 1), (10, 0), (15, 1), (19, 0), (24, 1)]


def test_the_frequency_is_rounded_as_the_divider_is():
    _started(pulses, freq=3000000, set_base=3, sideset_base=9)
    machine.advance_us(100)
    assert machine.pin_edges(3)[1][0] == 125000000 * 256 // 3000000 / 256 / 125
    assert _raised(ValueError, _started, pulses, 1900, set_base=3, sideset_base=9)
    assert _raised(ValueError, _started, pulses, 125000001, set_base=3, sideset_base=9)


@rp2.asm_pio(out_init=(rp2.PIO.OUT_LOW,) * 3, autopull=True, pull_thresh=6, out_shiftdir=rp2.PIO.SHIFT_RIGHT)
def shift_out():
    out(pins, 3)[1]


def test_words_are_pulled_and_shifted_out():
    state_machine = _started(shift_out, out_base=4)
    for _ in range(4):
        state_machine.put(0b001_110)
    assert state_machine.tx_fifo() == 4
    assert _raised(AssertionError, state_machine.put, 0), "it would wait"
    machine.advance_us(8)
    assert _edges(5) == [(0, 0), (0, 1), (2, 0), (4, 1), (6, 0), (8, 1)]
    assert _edges(4) == [(0, 0), (2, 1), (4, 0), (6, 1), (8, 0)]
    machine.advance_us(100)
    assert state_machine.tx_fifo() == 0 and mem32[PIO0 + 8] == 1 << 24, "it stalls, and says so"
    mem32[PIO0 + 8] = 1 << 24
    assert mem32[PIO0 + 8] == 0


@rp2.asm_pio(autopush=True, push_thresh=4, in_shiftdir=rp2.PIO.SHIFT_LEFT)
def shift_in():
    in_(pins, 1)[9]


def test_pins_are_read_and_pushed():
    machine.power_on()
    Pin(7, Pin.IN, Pin.PULL_UP)
    state_machine = rp2.StateMachine(0, shift_in, freq=1000000, in_base=Pin(7))
    state_machine.active(True)
    machine.drive_pin(7, [(5, 0), (15, 1), (25, 0), (75, None)])
    machine.advance_us(75)
    assert state_machine.get() == 0b1010
    assert state_machine.get() == 0b0000
    assert _raised(AssertionError, state_machine.get), "it would wait"
    machine.advance_us(1000)
    assert state_machine.rx_fifo() == 4 and mem32[PIO0 + 8] == 1
    assert state_machine.get() == 0b1111


@rp2.asm_pio()
def every_tenth_cycle():
    irq(rel(0))[9]


def _count(calls):
    def handler(argument):
        calls.append((machine.now_us(), argument))

    return handler


def test_flags_are_interrupts():
    calls, all_calls = [], []
    state_machine = _started(every_tenth_cycle, number=6)
    state_machine.irq(_count(calls), hard=True)
    machine.advance_us(25)
    assert calls == [(0, state_machine), (10, state_machine), (20, state_machine)]
    state_machine.irq(None)
    pio = rp2.PIO(1)
    pio.irq(_count(all_calls), rp2.PIO.IRQ_SM2, hard=True)
    machine.advance_us(10)
    assert [at for at, _ in all_calls] == [30] and len(calls) == 3
    assert pio.irq().flags() == rp2.PIO.IRQ_SM2
    assert _raised(AssertionError, state_machine.irq, _count(calls)), "a soft handler would come late"


def test_interrupts_wait_while_they_are_off():
    calls = []
    state_machine = _started(every_tenth_cycle)
    state_machine.irq(_count(calls), hard=True)
    state = machine.disable_irq()
    machine.advance_us(33)
    assert calls == []
    machine.enable_irq(state)
    assert [at for at, _ in calls] == [33], "one, however often the flag was raised"


@rp2.asm_pio()
def follow():
    wait(1, irq, 4)
    irq(block, 5)
    mov(isr, invert(null))
    in_(null, 28)
    push()


def test_machines_wait_for_flags():
    state_machine = _started(follow)
    machine.advance_us(50)
    mem32[PIO0 + 0x34] = 1 << 4
    machine.advance_us(10)
    assert mem32[PIO0 + 0x30] == 1 << 5, "taken, and the next one raised"
    assert state_machine.rx_fifo() == 0
    mem32[PIO0 + 0x30] = 1 << 5
    machine.advance_us(10)
    assert state_machine.get() == 0xF0000000


@rp2.asm_pio(sideset_init=(rp2.PIO.OUT_LOW, rp2.PIO.OUT_LOW))
def idle():
    label("here")
    jmp("here").side(0)


def test_the_processor_hands_instructions_over():
    machine.power_on()
    state_machine = rp2.StateMachine(3, idle, freq=2000000, sideset_base=10)
    state_machine.put(77)
    state_machine.exec("pull().side(2)")
    assert machine.pin_level(11) == 1 and machine.pin_level(10) == 0
    state_machine.exec("mov(isr, osr).side(0)")
    state_machine.exec("push().side(1)")
    assert state_machine.get() == 77 and machine.pin_level(10) == 1
    assert _raised(AssertionError, state_machine.exec, "pull().side(0)"), "it would stall"


def test_machines_of_a_pio_start_together():
    machine.power_on()
    calls = []
    for number in (0, 2):
        rp2.StateMachine(number, every_tenth_cycle, freq=1000000).irq(_count(calls), hard=True)
    machine.advance_us(3)
    mem32[PIO0] = 0b0101 | 0b0101 << 8
    machine.advance_us(20)
    assert [at for at, _ in calls] == [3, 3, 13, 13, 23, 23]
    assert mem32[PIO0] == 0b0101
    assert not rp2.StateMachine(1).active() and rp2.StateMachine(2).active()


def test_instruction_memory_is_finite_and_shared():
    machine.power_on()
    pio = rp2.PIO(0)
    pio.add_program(everything)
    assert rp2.pio_words_free(0) == 2
    assert _raised(OSError, pio.add_program, idle) is False
    assert _raised(OSError, pio.add_program, sided)
    pio.remove_program(everything)
    pio.add_program(sided)
    assert rp2.pio_words_free(0) == 29 and rp2.pio_words_free(1) == 32
    pio.remove_program()
    assert rp2.pio_words_free(0) == 32
    assert _raised(AssertionError, rp2.StateMachine, 0, sided, sideset_base=3), "it is not there any more"


def test_pins_that_are_not_free_are_refused():
    machine.power_on()
    Pin(3, Pin.OUT, value=0)
    assert _raised(AssertionError, rp2.StateMachine, 0, pulses, set_base=3, sideset_base=9), (
        "another function"
    )
    machine.power_on()
    assert _raised(AssertionError, rp2.StateMachine, 0, pulses, set_base=3), "side-set without pins"
    assert _raised(AssertionError, rp2.StateMachine, 0, shift_in, in_base=7), "it floats"
    machine.close_contact(4)
    assert _raised(AssertionError, rp2.StateMachine, 0, shift_out, out_base=4), "driven from both sides"
    assert _raised(ValueError, rp2.StateMachine, 8)
    assert _raised(ValueError, rp2.PIO, 2)


# DMA.


def _ring(words, **fields):
    """Return a channel that fills `words` from the FIFO of state machine 0."""
    dma = rp2.DMA()
    ctrl = dma.pack_ctrl(size=1, inc_read=False, treq_sel=DREQ_RX_0, **fields)
    dma.config(read=RX_FIFO_0, write=words, count=len(words), ctrl=ctrl)
    return dma


@rp2.asm_pio()
def count_down():
    mov(isr, x)
    push()
    jmp(x_dec, "next")
    label("next")
    nop()[6]


def test_a_fifo_is_emptied_into_a_buffer():
    _started(count_down)
    words = array("H", bytes(12))
    dma = _ring(words)
    start = dma.write
    dma.active(1)
    machine.advance_us(35)
    assert list(words) == [0, 0xFFFF, 0xFFFE, 0xFFFD, 0, 0]
    assert dma.write == start + 8 and dma.count == 2 and dma.active()
    machine.advance_us(100)
    assert words[5] == 0xFFFB and not dma.active() and dma.count == 0


def test_a_second_channel_starts_the_first_again():
    _started(count_down)
    words = array("H", bytes(8))
    again = rp2.DMA()
    dma = _ring(words, chain_to=again.channel)
    start = array("I", (dma.write,))
    again.config(
        read=start,
        write=0x50000000 + 0x40 * dma.channel + 0x2C,
        count=1,
        ctrl=again.pack_ctrl(inc_read=False, inc_write=False),
    )
    again.active(1)
    machine.advance_us(95)
    assert list(words) == [0xFFF8, 0xFFF7, 0xFFFA, 0xFFF9] and dma.write == start[0] + 4


def test_a_ring_wraps_where_it_is_aligned():
    _started(count_down)
    memory = array("H", bytes(32))
    dma = _ring(memory)
    at = (-dma.write & 15) >> 1
    view = memoryview(memory)[at : at + 8]
    dma = rp2.DMA()
    fields = dma.pack_ctrl(size=1, inc_read=False, treq_sel=DREQ_RX_0, ring_sel=True, ring_size=4)
    dma.config(read=RX_FIFO_0, write=view, count=1000, ctrl=fields, trigger=True)
    machine.advance_us(95)
    assert list(view) == [0xFFF8, 0xFFF7] + [0xFFFE - k for k in range(6)]
    assert _raised(AssertionError, dma.config, write=view), "it is running"
    dma.active(0)
    dma.config(write=view)
    shorter = dma.pack_ctrl(default=dma.ctrl, ring_size=8)
    assert _raised(AssertionError, dma.config, ctrl=shorter, trigger=True), "the ring leaves the buffer"


def test_a_fifo_is_filled_from_a_buffer_halfword_by_halfword():
    machine.power_on()
    state_machine = rp2.StateMachine(5, idle, sideset_base=10)
    dma = rp2.DMA()
    ctrl = dma.pack_ctrl(size=1, inc_write=False, treq_sel=9)
    words = array("H", (1, 0x8002, 3, 4, 5, 6))
    dma.config(read=words, write=state_machine, count=6, ctrl=ctrl, trigger=True)
    assert state_machine.tx_fifo() == 4 and dma.count == 2
    state_machine.exec("pull().side(0)")
    state_machine.exec("pull().side(0)")
    assert state_machine.tx_fifo() == 4 and dma.count == 0 and not dma.active()
    state_machine.exec("mov(isr, osr).side(0)")
    state_machine.exec("push().side(0)")
    assert state_machine.get() == 0x80028002, "a narrow write appears on all lanes"


def test_transfers_that_would_leave_their_buffer_are_refused():
    machine.power_on()
    words = array("H", bytes(8))
    dma = _ring(words)
    dma.count = 5
    assert _raised(AssertionError, dma.active, 1)
    dma = _ring(memoryview(words)[2:])
    dma.write = dma.write - 1
    assert _raised(AssertionError, dma.active, 1), "not aligned"
    dma = rp2.DMA()
    dma.config(write=0x20000000, count=1, read=words, ctrl=dma.pack_ctrl(size=1))
    assert _raised(AssertionError, dma.active, 1), "nothing lies there"
    dma.close()
    assert _raised(ValueError, dma.active) and _raised(ValueError, dma.config, count=1)


def test_the_end_of_a_transfer_is_an_interrupt():
    _started(count_down)
    calls = []
    dma = _ring(array("H", bytes(6)), irq_quiet=False)
    dma.irq(_count(calls), hard=True)
    dma.active(1)
    machine.advance_us(100)
    assert calls == [(21, dma)]


def test_control_words_are_packed_by_name():
    machine.power_on()
    dma = rp2.DMA()
    assert dma.pack_ctrl() == 0x3F8039 | dma.channel << 11
    value = dma.pack_ctrl(size=1, inc_read=False, treq_sel=13, ring_size=10, ring_sel=True)
    fields = rp2.DMA.unpack_ctrl(value)
    assert (fields["size"], fields["treq_sel"], fields["ring_size"], fields["enable"]) == (1, 13, 10, 1)
    assert _raised(TypeError, dma.pack_ctrl, treq=13)
    assert _raised(ValueError, dma.pack_ctrl, ring_size=16)


def test_channels_are_claimed_and_given_back():
    machine.power_on()
    channels = [rp2.DMA() for _ in range(12)]
    assert _raised(OSError, rp2.DMA)
    channels[4].close()
    assert rp2.DMA().channel == 4


def test_registers_that_are_not_modelled_are_refused():
    machine.power_on()
    assert _raised(AssertionError, mem32.__getitem__, PIO0), "nothing there before the first use"
    rp2.PIO(0)
    assert mem32[PIO0] == 0
    assert _raised(AssertionError, mem32.__getitem__, PIO0 + 0xC8)
    assert _raised(AssertionError, mem32.__setitem__, PIO0 + 0xD8, 0)


# What else is on the chip.


def test_the_converter_goes_round_its_inputs_and_paces_dma():
    machine.power_on()
    machine.convert_with(lambda channel, _now_us: 1000 * channel + 5)
    for channel in (0, 2):
        machine.ADC(channel)
    words = array("H", bytes(20))
    dma = rp2.DMA()
    ctrl = dma.pack_ctrl(size=1, inc_read=False, treq_sel=36)
    dma.config(read=0x4004C00C, write=words, count=10, ctrl=ctrl, trigger=True)
    mem32[0x4004C008] = 1 | 1 << 3 | 1 << 24
    mem32[0x4004C010] = 1249 << 8
    mem32[0x4004C000] = 1 | 1 << 3 | 0b101 << 16
    machine.advance_us(26.0417 * 5)
    assert list(words) == [5, 2005, 5, 2005, 5, 0, 0, 0, 0, 0]
    dma.active(0)
    machine.advance_us(1000)
    assert mem32[0x4004C008] >> 16 & 15 == 4 and mem32[0x4004C008] & 1 << 11, "the FIFO runs over"
    assert mem32[0x4004C00C] == 2005


def test_four_words_outlive_a_reset_by_the_watchdog():
    machine.power_on()
    assert mem32[0x4005800C] == 0 and mem32[0x40058008] == 0
    mem32[0x4005800C] = 0xBB05A5A
    machine.restart_by_watchdog()
    assert mem32[0x4005800C] == 0xBB05A5A and mem32[0x40058008] == 1
    assert _raised(AssertionError, mem32.__setitem__, 0x4005801C, 1), "the boot ROM's"
    machine.WDT(timeout=8000)
    mem32[0x4005B000] = 1 << 30
    assert not machine.watchdog_running()
    machine.power_on()
    assert mem32[0x4005800C] == 0
