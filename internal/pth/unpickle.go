package pth

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// machine runs one pickle (protocols 2 to 5; opcodes from Python's
// pickletools). It keeps no more than the input's bytes ask for: an opcode
// makes at most one value, and lengths are checked against what is left.
type machine struct {
	file  string
	data  []byte
	at    int
	stack []any
	memo  map[uint32]any
	// load turns a persistent id into a storage.
	load func(id tuple) (*storage, error)
}

// The opcodes that torch.save and what people save beside tensors make.
const (
	opMark, opStop, opPop, opPopMark, opDup                               = '(', '.', '0', '1', '2'
	opBinInt, opBinInt1, opBinInt2, opNone, opBinPersID                   = 'J', 'K', 'M', 'N', 'Q'
	opReduce, opBinString, opShortBinString, opBinUnicode                 = 'R', 'T', 'U', 'X'
	opAppend, opBuild, opGlobal, opEmptyDict, opAppends                   = 'a', 'b', 'c', '}', 'e'
	opBinGet, opLongBinGet, opEmptyList, opBinPut, opLongBinPut           = 'h', 'j', ']', 'q', 'r'
	opSetItem, opTuple, opEmptyTuple, opSetItems, opBinFloat              = 's', 't', ')', 'u', 'G'
	opBinBytes, opShortBinBytes                                           = 'B', 'C'
	opProto, opNewObj, opTuple1, opTuple2, opTuple3                       = 0x80, 0x81, 0x85, 0x86, 0x87
	opNewTrue, opNewFalse, opLong1, opLong4                               = 0x88, 0x89, 0x8a, 0x8b
	opShortBinUnicode, opBinUnicode8, opBinBytes8, opEmptySet, opAddItems = 0x8c, 0x8d, 0x8e, 0x8f, 0x90
	opStackGlobal, opMemoize, opFrame                                     = 0x93, 0x94, 0x95
)

// run executes up to STOP and returns the value.
func (m *machine) run() (value any, err error) {
	m.stack, m.memo = nil, map[uint32]any{}
	for {
		op, err := m.take(1)
		if err != nil {
			return nil, err
		}
		if op[0] == opStop {
			return m.pop()
		}
		if err := m.step(op[0]); err != nil {
			return nil, err
		}
	}
}

func (m *machine) bad(format string, args ...any) error {
	return &FormatError{m.file, fmt.Sprintf("pickle, byte %d: ", m.at) + fmt.Sprintf(format, args...)}
}

// take returns the next n bytes.
func (m *machine) take(n uint64) ([]byte, error) {
	if n > uint64(len(m.data)-m.at) {
		return nil, m.bad("truncated")
	}
	b := m.data[m.at : m.at+int(n)]
	m.at += int(n)
	return b, nil
}

// number reads an unsigned little-endian number of n bytes.
func (m *machine) number(n uint64) (uint64, error) {
	b, err := m.take(n)
	if err != nil {
		return 0, err
	}
	var wide [8]byte
	copy(wide[:], b)
	return binary.LittleEndian.Uint64(wide[:]), nil
}

// counted reads a length of n bytes and as many bytes.
func (m *machine) counted(n uint64) ([]byte, error) {
	size, err := m.number(n)
	if err != nil {
		return nil, err
	}
	return m.take(size)
}

func (m *machine) line() (string, error) {
	end := bytes.IndexByte(m.data[m.at:], '\n')
	if end < 0 {
		return "", m.bad("truncated")
	}
	text := string(m.data[m.at : m.at+end])
	m.at += end + 1
	return text, nil
}

func (m *machine) push(v any) { m.stack = append(m.stack, v) }

func (m *machine) pop() (any, error) {
	if len(m.stack) == 0 {
		return nil, m.bad("nothing on the stack")
	}
	v := m.stack[len(m.stack)-1]
	m.stack = m.stack[:len(m.stack)-1]
	if _, ok := v.(mark); ok {
		return nil, m.bad("a mark where a value should be")
	}
	return v, nil
}

// popMark returns what stands above the last mark.
func (m *machine) popMark() ([]any, error) {
	for i := len(m.stack) - 1; i >= 0; i-- {
		if _, ok := m.stack[i].(mark); ok {
			items := append([]any(nil), m.stack[i+1:]...)
			m.stack = m.stack[:i]
			return items, nil
		}
	}
	return nil, m.bad("no mark on the stack")
}

// popN returns the last n values in the order of the stack.
func (m *machine) popN(n int) (tuple, error) {
	items := make(tuple, n)
	for i := n - 1; i >= 0; i-- {
		v, err := m.pop()
		if err != nil {
			return nil, err
		}
		items[i] = v
	}
	return items, nil
}

// step executes one opcode.
func (m *machine) step(op byte) error {
	switch op {
	case opProto:
		version, err := m.number(1)
		if err == nil && (version < 2 || version > 5) {
			err = m.bad("protocol %d: 2 to 5 are known", version)
		}
		return err
	case opFrame:
		_, err := m.take(8)
		return err
	case opMark:
		m.push(mark{})
	case opPop:
		if len(m.stack) == 0 {
			return m.bad("nothing on the stack")
		}
		m.stack = m.stack[:len(m.stack)-1]
	case opPopMark:
		_, err := m.popMark()
		return err
	case opDup:
		v, err := m.pop()
		if err != nil {
			return err
		}
		m.push(v)
		m.push(v)
	case opNone:
		m.push(nil)
	case opNewTrue, opNewFalse:
		m.push(op == opNewTrue)
	case opEmptyDict:
		m.push(&dict{})
	case opEmptyList, opEmptySet:
		m.push(&list{})
	case opEmptyTuple:
		m.push(tuple{})
	case opTuple:
		items, err := m.popMark()
		if err != nil {
			return err
		}
		m.push(tuple(items))
	case opTuple1, opTuple2, opTuple3:
		items, err := m.popN(int(op) - opTuple1 + 1)
		if err != nil {
			return err
		}
		m.push(items)
	case opBinInt, opBinInt1, opBinInt2, opLong1, opLong4, opBinFloat:
		return m.numeral(op)
	case opBinUnicode, opShortBinUnicode, opBinUnicode8, opBinString, opShortBinString, opBinBytes, opShortBinBytes, opBinBytes8:
		return m.text(op)
	case opBinPut, opLongBinPut, opMemoize, opBinGet, opLongBinGet:
		return m.remember(op)
	case opAppend, opAppends, opAddItems, opSetItem, opSetItems:
		return m.fill(op)
	case opGlobal, opStackGlobal:
		return m.global(op)
	case opReduce, opNewObj:
		args, err := m.popN(2)
		if err != nil {
			return err
		}
		v, err := m.call(args[0], args[1])
		if err != nil {
			return err
		}
		m.push(v)
	case opBuild:
		// The state of an OrderedDict (a state_dict's _metadata) or of inert
		// settings: nothing of use.
		args, err := m.popN(2)
		if err != nil {
			return err
		}
		switch args[0].(type) {
		case *dict, inert:
			m.push(args[0])
		default:
			return m.bad("state for a %T", args[0])
		}
	case opBinPersID:
		id, err := m.pop()
		if err != nil {
			return err
		}
		t, ok := id.(tuple)
		if !ok {
			return m.bad("persistent id of type %T", id)
		}
		s, err := m.load(t)
		if err != nil {
			return err
		}
		m.push(s)
	default:
		return m.bad("opcode 0x%02x: not one that saved tensors need", op)
	}
	return nil
}
