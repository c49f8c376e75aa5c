package webdataset

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// maxBraces bounds the names that one pattern may stand for.
const maxBraces = 1 << 20

var (
	errBraces = fmt.Errorf("pattern stands for more than %d names", maxBraces)
	errRange  = errors.New("pattern with a number that is too large")
)

// expandBraces expands a pattern as the Python package braceexpand does, which
// webdataset uses: lists {a,b}, numeric ranges {0..9} and {00..90..10} (a
// leading zero pads all numbers to one width), letter ranges {a..e}, all of
// them nested and combined. Braces that hold neither a list nor a range stay.
// A backslash takes the next character's meaning away.
func expandBraces(pattern string) ([]string, error) {
	names, err := expandPattern(pattern)
	if err != nil {
		return nil, err
	}
	for i, name := range names {
		names[i] = unescape(name)
	}
	return names, nil
}

// expandPattern is expandBraces with the backslashes left in.
func expandPattern(pattern string) ([]string, error) {
	names := []string{""}
	times := func(items []string) error {
		if len(names)*len(items) > maxBraces {
			return errBraces
		}
		product := make([]string, 0, len(names)*len(items))
		for _, name := range names {
			for _, item := range items {
				product = append(product, name+item)
			}
		}
		names = product
		return nil
	}
	depth, start := 0, 0
	for pos := 0; pos < len(pattern); pos++ {
		switch pattern[pos] {
		case '\\':
			pos++
		case '{':
			if depth == 0 {
				if err := times([]string{pattern[start:pos]}); err != nil {
					return nil, err
				}
				start = pos + 1
			}
			depth++
		case '}':
			depth--
			if depth < 0 {
				return nil, errUnbalanced
			}
			if depth == 0 {
				items, err := expandExpression(pattern[start:pos])
				if err != nil {
					return nil, err
				}
				if err := times(items); err != nil {
					return nil, err
				}
				start = pos + 1
			}
		}
	}
	if depth != 0 {
		return nil, errUnbalanced
	}
	return names, times([]string{pattern[start:]})
}

var errUnbalanced = errors.New("unbalanced braces")

// expandExpression expands what stands between two braces.
func expandExpression(expr string) ([]string, error) {
	if items, ok, err := expandRange(expr); ok || err != nil {
		return items, err
	}
	var items []string
	depth, start, list := 0, 0, false
	add := func(part string) error {
		more, err := expandPattern(part)
		if err == nil && len(items)+len(more) > maxBraces {
			err = errBraces
		}
		items = append(items, more...)
		return err
	}
	for pos := 0; pos < len(expr); pos++ {
		switch expr[pos] {
		case '\\':
			pos++
		case '{':
			depth++
		case '}':
			depth--
		case ',':
			if depth == 0 {
				list = true
				if err := add(expr[start:pos]); err != nil {
					return nil, err
				}
				start = pos + 1
			}
		}
	}
	if err := add(expr[start:]); err != nil {
		return nil, err
	}
	if !list {
		for i := range items {
			items[i] = "{" + items[i] + "}"
		}
	}
	return items, nil
}

// expandRange expands FIRST..LAST and FIRST..LAST..STEP; ok tells whether expr
// is a range at all.
func expandRange(expr string) (items []string, ok bool, err error) {
	parts := strings.Split(expr, "..")
	if len(parts) != 2 && len(parts) != 3 {
		return nil, false, nil
	}
	step := 1
	if len(parts) == 3 {
		text := strings.TrimPrefix(parts[2], "-") // the direction is that of the ends
		if !isNumber(text, false) {
			return nil, false, nil
		}
		if step, err = strconv.Atoi(text); err != nil {
			return nil, false, errRange
		}
		step = max(step, 1)
	}
	write := func(v int) string { return letters[v : v+1] }
	var first, last int
	switch {
	case isNumber(parts[0], true) && isNumber(parts[1], true):
		if first, err = strconv.Atoi(parts[0]); err == nil {
			last, err = strconv.Atoi(parts[1])
		}
		if err != nil {
			return nil, false, errRange
		}
		width := 0
		if padded(parts[0]) || padded(parts[1]) {
			width = max(len(parts[0]), len(parts[1]))
		}
		write = func(v int) string { return fmt.Sprintf("%0*d", width, v) }
	case isLetter(parts[0]) && isLetter(parts[1]):
		first, last = strings.Index(letters, parts[0]), strings.Index(letters, parts[1])
	default:
		return nil, false, nil
	}
	// Unsigned, so that no difference of two ends overflows.
	span := uint64(last) - uint64(first)
	if first > last {
		span = uint64(first) - uint64(last)
		step = -step
	}
	span /= uint64(max(step, -step))
	if span >= maxBraces {
		return nil, false, errBraces
	}
	items = make([]string, span+1)
	for i := range items {
		items[i] = write(first + i*step)
	}
	return items, true, nil
}

// letters is braceexpand's alphabet: a range may run from capitals to small
// letters.
const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

func isLetter(s string) bool { return len(s) == 1 && strings.Contains(letters, s) }

func isNumber(s string, signed bool) bool {
	if signed {
		s = strings.TrimPrefix(s, "-")
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// padded reports a leading zero that asks for a fixed width.
func padded(s string) bool {
	return s != "0" && s != "-0" && (strings.HasPrefix(s, "0") || strings.HasPrefix(s, "-0"))
}

func unescape(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
