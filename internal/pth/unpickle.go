package pth

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
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

func (m *machine) numeral(op byte) error {
	switch op {
	case opBinInt:
		v, err := m.number(4)
		m.push(int64(int32(uint32(v))))
		return err
	case opBinInt1:
		v, err := m.number(1)
		m.push(int64(v))
		return err
	case opBinInt2:
		v, err := m.number(2)
		m.push(int64(v))
		return err
	case opBinFloat:
		b, err := m.take(8)
		if err != nil {
			return err
		}
		m.push(math.Float64frombits(binary.BigEndian.Uint64(b)))
		return nil
	}
	width := uint64(1)
	if op == opLong4 {
		width = 4
	}
	b, err := m.counted(width)
	switch {
	case err != nil:
		return err
	case len(b) == 0:
		m.push(int64(0))
	case len(b) > 8:
		m.push(big(b))
	default: // sign-extended
		var v int64
		for i := len(b) - 1; i >= 0; i-- {
			v = v<<8 | int64(b[i])
		}
		shift := 64 - 8*len(b)
		m.push(v << shift >> shift)
	}
	return nil
}

func (m *machine) text(op byte) error {
	width := uint64(4)
	switch op {
	case opShortBinUnicode, opShortBinString, opShortBinBytes:
		width = 1
	case opBinUnicode8, opBinBytes8:
		width = 8
	}
	b, err := m.counted(width)
	m.push(string(b))
	return err
}

func (m *machine) remember(op byte) error {
	var at uint64
	var err error
	switch op {
	case opMemoize:
		at = uint64(len(m.memo))
	case opBinPut, opBinGet:
		at, err = m.number(1)
	default:
		at, err = m.number(4)
	}
	if err != nil {
		return err
	}
	if op == opBinGet || op == opLongBinGet {
		v, ok := m.memo[uint32(at)]
		if !ok {
			return m.bad("nothing remembered as %d", at)
		}
		m.push(v)
		return nil
	}
	v, err := m.pop()
	if err != nil {
		return err
	}
	m.memo[uint32(at)] = v
	m.push(v)
	return nil
}

// fill adds items to a container that is on the stack.
func (m *machine) fill(op byte) error {
	var items []any
	var err error
	switch op {
	case opAppend:
		items, err = m.popN(1)
	case opSetItem:
		items, err = m.popN(2)
	default:
		items, err = m.popMark()
	}
	if err != nil {
		return err
	}
	into, err := m.pop()
	if err != nil {
		return err
	}
	m.push(into)
	switch into := into.(type) {
	case *list:
		if op == opAppend || op == opAppends || op == opAddItems {
			into.items = append(into.items, items...)
			return nil
		}
	case *dict:
		if (op == opSetItem || op == opSetItems) && len(items)%2 == 0 {
			for i := 0; i < len(items); i += 2 {
				into.set(items[i], items[i+1])
			}
			return nil
		}
	}
	return m.bad("items for a %T", into)
}

// global pushes a name, if it is one of the known ones.
func (m *machine) global(op byte) error {
	var module, name string
	var err error
	if op == opGlobal {
		if module, err = m.line(); err == nil {
			name, err = m.line()
		}
	} else {
		var args tuple
		if args, err = m.popN(2); err == nil {
			var ok1, ok2 bool
			module, ok1 = args[0].(string)
			name, ok2 = args[1].(string)
			if !ok1 || !ok2 {
				err = m.bad("a name that is no text")
			}
		}
	}
	if err != nil {
		return err
	}
	g, ok := lookup(module, name)
	if !ok {
		return &RefusedError{m.file, module + "." + name}
	}
	m.push(g)
	return nil
}

// call makes the value that a known name stands for.
func (m *machine) call(callee, arguments any) (any, error) {
	g, ok := callee.(global)
	args, isTuple := arguments.(tuple)
	if !ok || !isTuple {
		return nil, m.bad("call of a %T with a %T", callee, arguments)
	}
	switch g.what {
	case makeInert:
		return inert{}, nil
	case makeTuple:
		if len(args) == 1 {
			switch items := args[0].(type) {
			case tuple:
				return items, nil
			case *list:
				return tuple(items.items), nil
			}
		}
	case makeDict:
		if len(args) == 0 {
			return &dict{}, nil
		}
		if pairs, ok := args[0].(*list); ok && len(args) == 1 {
			d := &dict{}
			for _, item := range pairs.items {
				switch p := item.(type) {
				case tuple:
					if len(p) == 2 {
						d.set(p[0], p[1])
					}
				case *list:
					if len(p.items) == 2 {
						d.set(p.items[0], p.items[1])
					}
				}
			}
			return d, nil
		}
	case makeParam:
		if len(args) >= 1 {
			if t, ok := args[0].(*Tensor); ok {
				return t, nil
			}
		}
	case makeTensor:
		return m.tensor(args)
	}
	return nil, m.bad("%s called with %d arguments of another kind", g.name, len(args))
}
