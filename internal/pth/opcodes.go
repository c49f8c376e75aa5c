package pth

import (
	"encoding/binary"
	"math"
)

// The opcodes that make numbers, texts, containers and named values.

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
