package pth

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// Bounds on a checkpoint's pickle. The largest published Samba's, with its
// optimizer beside it, takes less than a megabyte and a hundred thousand
// objects; an unpickler spends hundreds of bytes on objects of one.
const (
	maxPickle  = 16 << 20
	maxObjects = 1 << 20
	maxMarks   = 64  // nesting of open tuples, lists and dictionaries
	maxLine    = 512 // of an argument in text
	maxLong    = 16  // bytes of a whole number
)

// What follows an opcode.
const (
	argNone = iota
	arg1
	arg2
	arg4
	arg8
	argLine
	argTwoLines
	argCount1 // 1 byte that counts the bytes after it
	argCount4
	argCount8
)

// opcodes is the part of the pickle language that may occur in a checkpoint,
// with the argument of each. Extensions, sets, byte arrays and out-of-band
// buffers have no business there.
var opcodes = map[byte]int{
	'(': argNone, '.': argNone, '0': argNone, '1': argNone, '2': argNone, 'N': argNone, 'Q': argNone, 'R': argNone,
	'a': argNone, 'b': argNone, 'd': argNone, '}': argNone, 'e': argNone, 'l': argNone, ']': argNone, 'o': argNone,
	's': argNone, 't': argNone, ')': argNone, 'u': argNone,
	'F': argLine, 'I': argLine, 'L': argLine, 'S': argLine, 'V': argLine, 'g': argLine, 'p': argLine,
	'c': argTwoLines, 'i': argTwoLines,
	'J': arg4, 'K': arg1, 'M': arg2, 'G': arg8, 'h': arg1, 'j': arg4, 'q': arg1, 'r': arg4,
	'T': argCount4, 'U': argCount1, 'X': argCount4, 'B': argCount4, 'C': argCount1,
	0x80: arg1, 0x81: argNone, 0x85: argNone, 0x86: argNone, 0x87: argNone, 0x88: argNone, 0x89: argNone,
	0x8a: argCount1, 0x8b: argCount4,
	0x8c: argCount1, 0x8d: argCount8, 0x8e: argCount8, 0x92: argNone, 0x93: argNone, 0x94: argNone, 0x95: arg8,
}

// scan walks a pickle's opcodes without executing any, and refuses what could
// run the unpickler out of memory or time, and every class that is not on the
// list. The unpickler alone would not do: it allocates what a length claims,
// and knows a few classes that it never asks about.
func scan(data []byte) error {
	if len(data) > maxPickle {
		return fmt.Errorf("the pickle has %d bytes, more than the %d that any checkpoint needs", len(data), maxPickle)
	}
	// The two values pushed last and the memo, as far as they are strings:
	// STACK_GLOBAL takes its class from there.
	type value struct {
		text string
		ok   bool
	}
	var last [2]value
	memo := map[int]value{}
	push := func(v value) { last[0], last[1] = last[1], v }

	objects, marks := 0, 0
	for pos := 0; pos < len(data); {
		op, at := data[pos], pos
		kind, known := opcodes[op]
		if !known {
			return fmt.Errorf("byte %d of the pickle is the opcode %#02x, which no checkpoint has", at, op)
		}
		pos++
		arg, second, n, err := argument(data[pos:], kind)
		if err != nil {
			return fmt.Errorf("byte %d of the pickle, opcode %q: %w", at, op, err)
		}
		pos += n
		switch op {
		case '.':
			return nil
		case '(':
			if marks++; marks > maxMarks {
				return fmt.Errorf("byte %d of the pickle nests more than %d deep", at, maxMarks)
			}
		case 't', 'l', 'd', 'e', 'u', '1', 'o', 'i':
			marks--
		case 0x95: // a frame: the unpickler reads it whole
			if n := binary.LittleEndian.Uint64(arg); n > uint64(len(data)-pos) {
				return fmt.Errorf("byte %d of the pickle starts a frame of %d bytes, but %d follow: it is truncated", at, n, len(data)-pos)
			}
		case 0x8a, 0x8b:
			if len(arg) == 0 || len(arg) > maxLong {
				return fmt.Errorf("byte %d of the pickle holds a number of %d bytes, want 1 to %d", at, len(arg), maxLong)
			}
		}
		switch op {
		case '(', '}', ']', ')', 't', 'l', 'd', 'R', 'o', 'i', 0x81, 0x92, 0x85, 0x86, 0x87:
			if objects++; objects > maxObjects {
				return fmt.Errorf("the pickle builds more than %d objects", maxObjects)
			}
		}

		number := -1
		switch op {
		case 'h', 'q':
			number = int(arg[0])
		case 'j', 'r':
			number = int(binary.LittleEndian.Uint32(arg))
		case 'g', 'p':
			if _, err := fmt.Sscanf(string(arg), "%d", &number); err != nil || number < 0 {
				return fmt.Errorf("byte %d of the pickle: %.20q is no place in the memo", at, arg)
			}
		}
		switch op {
		case 0x80, 0x95: // protocol, frame: no value
		case 'U', 'X', 'T', 0x8c, 0x8d, 'V':
			push(value{string(arg), true})
		case 'S':
			push(value{string(bytes.Trim(arg, `'"`)), true})
		case 'q', 'r', 'p':
			memo[number] = last[1]
		case 0x94:
			memo[len(memo)] = last[1]
		case 'h', 'j', 'g':
			push(memo[number])
		case 'c', 'i':
			if err := allowed(string(arg), string(second)); err != nil {
				return err
			}
			last = [2]value{}
		case 0x93:
			if !last[0].ok || !last[1].ok {
				return fmt.Errorf("byte %d of the pickle computes the name of a class, which no checkpoint does", at)
			}
			if err := allowed(last[0].text, last[1].text); err != nil {
				return err
			}
			last = [2]value{}
		default:
			last = [2]value{}
		}
	}
	return fmt.Errorf("the pickle ends without its STOP: it is truncated")
}

// argument cuts an opcode's argument from the bytes after it; n is the number
// of bytes it takes there.
func argument(data []byte, kind int) (arg, second []byte, n int, err error) {
	take := func(count uint64) ([]byte, error) {
		if count > uint64(len(data)-n) {
			return nil, fmt.Errorf("its argument of %d bytes reaches beyond the end", count)
		}
		b := data[n : n+int(count)]
		n += int(count)
		return b, nil
	}
	line := func() ([]byte, error) {
		end := bytes.IndexByte(data[n:min(len(data), n+maxLine)], '\n')
		if end < 0 {
			return nil, fmt.Errorf("its argument has no end within %d bytes", maxLine)
		}
		b := data[n : n+end]
		n += end + 1
		return b, nil
	}
	switch kind {
	case arg1, arg2, arg4, arg8:
		arg, err = take(1 << (kind - arg1))
	case argLine:
		arg, err = line()
	case argTwoLines:
		if arg, err = line(); err == nil {
			second, err = line()
		}
	case argCount1, argCount4, argCount8:
		var count []byte
		if count, err = take([]uint64{1, 4, 8}[kind-argCount1]); err == nil {
			var wide [8]byte
			copy(wide[:], count)
			arg, err = take(binary.LittleEndian.Uint64(wide[:]))
		}
	}
	return arg, second, n, err
}
