"""The DMA of an RP2040 (datasheet, 2.5), and the addresses of buffers that it works on.

Strict: a transfer that would leave its buffer, a ring that is not aligned, an access to an address that
nothing lies at fails. A transfer takes no time.
"""

READ, WRITE, COUNT, CTRL = 0, 1, 2, 3
# The sixteen registers of a channel: which of the four it is, and whether writing it starts the channel.
_REGISTERS = (
    (READ, False),
    (WRITE, False),
    (COUNT, False),
    (CTRL, True),
    (CTRL, False),
    (READ, False),
    (WRITE, False),
    (COUNT, True),
    (CTRL, False),
    (COUNT, False),
    (READ, False),
    (WRITE, True),
    (CTRL, False),
    (WRITE, False),
    (COUNT, False),
    (READ, True),
)
CHANNELS = 12
CHANNEL_SPACING = 0x40
_ABORT = 0x444
_UNPACED = 0x3F
FIELDS = {  # name: (lowest bit, bits)
    "enable": (0, 1),
    "high_pri": (1, 1),
    "size": (2, 2),
    "inc_read": (4, 1),
    "inc_write": (5, 1),
    "ring_size": (6, 4),
    "ring_sel": (10, 1),
    "chain_to": (11, 4),
    "treq_sel": (15, 6),
    "irq_quiet": (21, 1),
    "bswap": (22, 1),
    "sniff_en": (23, 1),
    "busy": (24, 1),
    "write_err": (29, 1),
    "read_err": (30, 1),
    "ahb_err": (31, 1),
}

_RAM, _RAM_END = 0x20000000, 0x20042000


class Memory:
    """Gives buffers addresses of the chip's RAM. A view of a buffer that is known lies inside it."""

    def __init__(self):
        self._known = []  # (address, real address, bytes, buffer)
        self._free = _RAM + 0x1230

    def next_buffer_at(self, address):
        """Choose where the next buffer lies; heap blocks are 16 bytes apart."""
        assert _RAM <= address < _RAM_END and address % 16 == 0
        self._free = address

    def address(self, buffer):
        content, real = _bytes_of(buffer)
        for address, known, view, _ in self._known:
            if known <= real and real + len(content) <= known + len(view):
                return address + real - known
        address = self._free
        self._known.append((address, real, content, buffer))
        self._free += (len(content) + 15) // 16 * 16
        assert self._free <= _RAM_END, "the chip has no such memory"
        return address

    def holds(self, address, size):
        return self._place(address, size) is not None

    def _place(self, address, size):
        for base, _, view, _ in self._known:
            if base <= address and address + size <= base + len(view):
                return view, address - base
        return None

    def read(self, address, size):
        view, at = self._place(address, size)
        return sum([view[at + k] << 8 * k for k in range(size)])

    def write(self, address, size, value):
        view, at = self._place(address, size)
        for k in range(size):
            view[at + k] = value >> 8 * k & 255


def _bytes_of(buffer):
    """Return a writable view of a buffer's bytes, and where they really are."""
    try:
        from uctypes import addressof, bytearray_at
    except ImportError:  # CPython's stand-in has no bytearray_at
        import ctypes

        if memoryview(buffer).readonly:
            buffer = bytearray(buffer)  # only read by the DMA: a copy will do
        content = memoryview(buffer).cast("B")
        return content, ctypes.addressof(ctypes.c_char.from_buffer(content))
    real = addressof(buffer)
    return bytearray_at(real, len(bytes(buffer))), real


class Channel:
    def __init__(self, dma, index):
        self.dma = dma
        self.index = index
        self.claimed = self.busy = False
        self.handler = None
        self.done = False  # raw interrupt
        self.registers = [0, 0, 0, index << FIELDS["chain_to"][0]]
        self._reload = 0

    def field(self, name):
        low, bits = FIELDS[name]
        return self.registers[CTRL] >> low & (1 << bits) - 1

    def read_register(self, number):
        which = _REGISTERS[number][0]
        value = self.registers[which]
        return value | (self.busy << FIELDS["busy"][0] if which == CTRL else 0)

    def write_register(self, number, value):
        which, starts = _REGISTERS[number]
        assert 0 <= value < 1 << 32
        if which == COUNT:
            self._reload = value
            if not self.busy:
                self.registers[COUNT] = value
        else:
            assert not self.busy or which == CTRL, "channel %d is running" % self.index
            self.registers[which] = value
        if starts and value:
            self.start()

    def start(self):
        if self.busy or not self.field("enable"):
            return
        self.registers[COUNT] = self._reload
        assert self._reload, "a transfer of nothing"
        self.busy = True
        self._check()
        self.dma.moved()

    def _check(self):
        """Refuse a transfer that would not stay where it belongs."""
        size = 1 << self.field("size")
        for which, name in ((READ, "inc_read"), (WRITE, "inc_write")):
            address = self.registers[which]
            ringed = self.field("ring_size") and self.field("ring_sel") == which
            assert address % size == 0, "0x%08x is not aligned to %d bytes" % (address, size)
            if not self.field(name):
                continue
            if ringed:
                length = 1 << self.field("ring_size")
                assert self.dma.memory.holds(address & -length, length), "the ring leaves its buffer"
            else:
                length = size * self._reload
                assert self.dma.memory.holds(address, length), "%d bytes leave their buffer" % length

    def abort(self):
        self.busy = False

    def ready(self):
        request = self.field("treq_sel")
        return self.busy and (request == _UNPACED or self.dma.requested(request))

    def transfer(self):
        size = 1 << self.field("size")
        assert not self.field("bswap") and not self.field("sniff_en"), "not modelled"
        self.dma.bus_write(self.registers[WRITE], size, self.dma.bus_read(self.registers[READ], size))
        for which, name in ((READ, "inc_read"), (WRITE, "inc_write")):
            if self.field(name):
                address = self.registers[which]
                ringed = self.field("ring_size") and self.field("ring_sel") == which
                mask = (1 << self.field("ring_size")) - 1 if ringed else 0xFFFFFFFF
                self.registers[which] = address & ~mask | address + size & mask
        self.registers[COUNT] -= 1
        if self.registers[COUNT] == 0:
            self.busy = False
            self.done = self.done or not self.field("irq_quiet")
            if self.field("chain_to") != self.index:
                self.dma.channels[self.field("chain_to")].start()


class Dma:
    """`bus_read(address, size)`, `bus_write(address, size, value)` reach everything; `requested(treq)`
    tells whether a peripheral asks for a transfer; `moved()` is called after a start."""

    def __init__(self, memory, bus_read, bus_write, requested, moved):
        self.memory = memory
        self.bus_read = bus_read
        self.bus_write = bus_write
        self.requested = requested
        self.moved = moved
        self.channels = [Channel(self, k) for k in range(CHANNELS)]

    def run(self):
        """Do every transfer that can be done; return whether there was one."""
        any_moved = False
        again = True
        while again:
            again = False
            for channel in self.channels:
                while channel.ready():
                    channel.transfer()
                    again = any_moved = True
        return any_moved

    def read(self, offset):
        assert offset < CHANNELS * CHANNEL_SPACING, "DMA register 0x%03x is not modelled" % offset
        return self.channels[offset // CHANNEL_SPACING].read_register(offset % CHANNEL_SPACING >> 2)

    def write(self, offset, value):
        if offset == _ABORT:
            for channel in self.channels:
                if value >> channel.index & 1:
                    channel.abort()
            return
        assert offset < CHANNELS * CHANNEL_SPACING, "DMA register 0x%03x is not modelled" % offset
        self.channels[offset // CHANNEL_SPACING].write_register(offset % CHANNEL_SPACING >> 2, value)
