"""CRC-16/Modbus against published values and against the definition, bit by bit."""

from firmware.publish.crc import crc16


def _by_definition(frame):
    crc = 0xFFFF
    for byte in frame:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
    return crc


def test_check_value_and_specification_example():
    assert crc16(b"123456789", 9) == 0x4B37
    # Serial Line 1.02, 6.2.2: the frame 02 07 ends in 41 12.
    assert crc16(b"\x02\x07", 2) == 0x1241
    assert crc16(b"", 0) == 0xFFFF


def test_every_byte_value_in_every_state_of_the_low_byte():
    frame = bytearray(2)
    for first in range(0, 256, 5):
        for second in range(256):
            frame[0], frame[1] = first, second
            assert crc16(frame, 2) == _by_definition(frame), (first, second)


def test_only_the_first_n_bytes_count_and_long_frames_fit():
    frame = bytearray((k * 37 + 11) & 0xFF for k in range(300))
    for n in (1, 7, 255, 256, 300):
        assert crc16(frame, n) == _by_definition(frame[:n])
    assert crc16(memoryview(frame), 256) == _by_definition(frame[:256])
    assert crc16(b"\xff" * 256, 256) == _by_definition(b"\xff" * 256)
