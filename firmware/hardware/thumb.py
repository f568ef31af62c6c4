"""The two functions that touch every sample, in the RP2040's own instructions (Thumb, ARMv6-M).

`sum_block` does what measure/kernel.py does, in a quarter of the time: there the portable form stands, with
every range proven, and hosts run that one. `unpack` is needed on this chip only. mpy-cross assembles both;
host_tests/host/test_thumb.py runs the compiled bytes against plain integers on any machine.

Cycles of the Cortex-M0+: 2 for a load or store, 1 for anything else between registers, multiplication
included. What is written out four times is the work on four rows: a row is 16 bytes, and the largest offset
of a halfword is 62.
"""

# mypy: disable-error-code="name-defined, call-overload, attr-defined"
# ruff: noqa: F821  # registers, labels and instructions exist inside asm_thumb functions only

import micropython


@micropython.asm_thumb
def unpack(r0, r1, r2, r3):
    """Spread a block of packed 12-bit codes over halfwords: 24 words of buffer r0, 64 halfwords of r1.

    r2 and r3 are where they begin, in bytes. Eight codes fill three words, the first one in the topmost bits,
    as the sampler's PIO program shifts them.
    """
    add(r0, r0, r2)
    add(r1, r1, r3)
    mov(r6, 8)  # scans
    label(SCAN)
    ldr(r2, [r0, 0])
    ldr(r3, [r0, 4])
    ldr(r4, [r0, 8])
    lsr(r5, r2, 20)
    strh(r5, [r1, 0])
    lsl(r5, r2, 12)
    lsr(r5, r5, 20)
    strh(r5, [r1, 2])
    lsl(r5, r2, 24)
    lsr(r5, r5, 20)
    lsr(r7, r3, 28)
    orr(r5, r7)
    strh(r5, [r1, 4])
    lsl(r5, r3, 4)
    lsr(r5, r5, 20)
    strh(r5, [r1, 6])
    lsl(r5, r3, 16)
    lsr(r5, r5, 20)
    strh(r5, [r1, 8])
    lsl(r5, r3, 28)
    lsr(r5, r5, 20)
    lsr(r7, r4, 24)
    orr(r5, r7)
    strh(r5, [r1, 10])
    lsl(r5, r4, 8)
    lsr(r5, r5, 20)
    strh(r5, [r1, 12])
    lsl(r5, r4, 20)
    lsr(r5, r5, 20)
    strh(r5, [r1, 14])
    add(r0, 12)
    add(r1, 16)
    sub(r6, 1)
    bne(SCAN)


@micropython.asm_thumb
def sum_block(r0, r1):
    """Add up the block that lies r0 bytes from the ring's start; r1 is the memory's address (memory.py).

    Kept over the slots: r4 voltage x, r5 current y, r6 x a quarter of a cycle earlier, r7 the sums' words.
    """
    mov(r7, r1)
    add(r1, 192)  # 4 * _BLOCK
    ldr(r4, [r1, 4])  # _A_HIGH
    lsl(r4, r4, 16)
    ldr(r2, [r1, 0])  # _A_LOW
    add(r4, r4, r2)
    ldr(r6, [r1, 28])  # _QUARTER
    add(r6, r6, r4)
    add(r4, r4, r0)
    ldr(r5, [r1, 12])  # _B_HIGH
    lsl(r5, r5, 16)
    ldr(r2, [r1, 8])  # _B_LOW
    add(r5, r5, r2)
    add(r5, r5, r0)

    mov(r0, 6)
    label(SLOT)
    push({r0})
    mov(r0, r4)
    bl(SQUARES)
    str(r1, [r7, 0])  # X
    str(r2, [r7, 8])  # XX
    mov(r0, r5)
    bl(SQUARES)
    str(r1, [r7, 4])  # Y
    str(r2, [r7, 12])  # YY
    # sum((x - 2048) v) = sum(x v) - 2048 V with v = y - 2048, V = Y - 2^14; and the bias of 2^25.
    mov(r2, 1)
    lsl(r3, r2, 14)
    sub(r3, r3, r1)
    lsl(r3, r3, 11)
    lsl(r2, r2, 25)
    add(r2, r2, r3)
    push({r4, r5, r6, r7})
    mov(r3, r2)
    mov(r7, 1)
    lsl(r7, r7, 11)
    bl(PRODUCTS)
    bl(PRODUCTS)
    pop({r4, r5, r6, r7})
    str(r2, [r7, 16])  # XY
    str(r3, [r7, 20])  # QY
    add(r4, 2)
    add(r5, 2)
    add(r6, 2)
    add(r7, 32)
    pop({r0})
    sub(r0, 1)
    bne(SLOT)

    # B1 and B2 lie behind the voltages of converter A, B3 behind the currents of B; B1's words are back at 0.
    sub(r7, 192)
    mov(r0, r4)
    bl(SQUARES)
    str(r1, [r7, 24])
    str(r2, [r7, 28])
    add(r4, 2)
    mov(r0, r4)
    bl(SQUARES)
    str(r1, [r7, 56])
    str(r2, [r7, 60])
    mov(r0, r5)
    bl(SQUARES)
    str(r1, [r7, 88])
    str(r2, [r7, 92])
    b(DONE)

    # Of the eight rows at r0: r1 = sum(x), r2 = sum((x - 2048)^2) with its bias, which is
    # sum(x^2) + 4096 (2^14 - sum(x)). Uses r3.
    label(SQUARES)
    mov(r1, 0)
    mov(r2, 0)
    ldrh(r3, [r0, 0])
    add(r1, r1, r3)
    mul(r3, r3)
    add(r2, r2, r3)
    ldrh(r3, [r0, 16])
    add(r1, r1, r3)
    mul(r3, r3)
    add(r2, r2, r3)
    ldrh(r3, [r0, 32])
    add(r1, r1, r3)
    mul(r3, r3)
    add(r2, r2, r3)
    ldrh(r3, [r0, 48])
    add(r1, r1, r3)
    mul(r3, r3)
    add(r2, r2, r3)
    add(r0, 64)
    ldrh(r3, [r0, 0])
    add(r1, r1, r3)
    mul(r3, r3)
    add(r2, r2, r3)
    ldrh(r3, [r0, 16])
    add(r1, r1, r3)
    mul(r3, r3)
    add(r2, r2, r3)
    ldrh(r3, [r0, 32])
    add(r1, r1, r3)
    mul(r3, r3)
    add(r2, r2, r3)
    ldrh(r3, [r0, 48])
    add(r1, r1, r3)
    mul(r3, r3)
    add(r2, r2, r3)
    mov(r3, 1)
    lsl(r3, r3, 14)
    sub(r3, r3, r1)
    lsl(r3, r3, 12)
    add(r2, r2, r3)
    bx(lr)

    # Four rows further: r2 += sum(x v), r3 += sum(q v). x, y, q at r4, r5, r6; r7 = 2048. Uses r0, r1.
    label(PRODUCTS)
    ldrh(r0, [r5, 0])
    sub(r0, r0, r7)
    ldrh(r1, [r4, 0])
    mul(r1, r0)
    add(r2, r2, r1)
    ldrh(r1, [r6, 0])
    mul(r1, r0)
    add(r3, r3, r1)
    ldrh(r0, [r5, 16])
    sub(r0, r0, r7)
    ldrh(r1, [r4, 16])
    mul(r1, r0)
    add(r2, r2, r1)
    ldrh(r1, [r6, 16])
    mul(r1, r0)
    add(r3, r3, r1)
    ldrh(r0, [r5, 32])
    sub(r0, r0, r7)
    ldrh(r1, [r4, 32])
    mul(r1, r0)
    add(r2, r2, r1)
    ldrh(r1, [r6, 32])
    mul(r1, r0)
    add(r3, r3, r1)
    ldrh(r0, [r5, 48])
    sub(r0, r0, r7)
    ldrh(r1, [r4, 48])
    mul(r1, r0)
    add(r2, r2, r1)
    ldrh(r1, [r6, 48])
    mul(r1, r0)
    add(r3, r3, r1)
    add(r4, 64)
    add(r5, 64)
    add(r6, 64)
    bx(lr)

    label(DONE)
