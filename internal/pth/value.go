package pth

// The values that a pickle makes: nil, bool, int64, float64, string, []byte,
// *list, tuple, *dict, *Tensor, and these.

type (
	tuple []any
	list  struct{ items []any }
	// dict keeps its pairs in the order in which they were set.
	dict struct{ pairs []pair }
	pair struct{ key, value any }
	// mark is what MARK puts on the stack.
	mark struct{}
	// big is an integer beyond int64, little-endian two's complement.
	big string
	// inert is a value of no use for tensors: settings, devices, scalars of
	// numpy. Its contents are dropped.
	inert struct{}
	// global is a name that the list of names knows.
	global struct {
		name string
		what meaning
		data dtype // of a storage
	}
)

func (d *dict) set(key, value any) { d.pairs = append(d.pairs, pair{key, value}) }

// meaning is what a known name does when it is called.
type meaning uint8

const (
	storageType meaning = iota // class of a storage: never called
	plainType                  // a type or a constant: never called
	makeTensor                 // (storage, offset, size, stride, ...)
	makeParam                  // (tensor, ...)
	makeDict                   // OrderedDict, with or without pairs
	makeTuple                  // torch.Size
	makeInert                  // anything whose contents nobody asks for
)

// names is the list of all that may be named. Facts from torch's and numpy's
// own pickling; none of them has an effect beyond its value.
var names = map[string]global{
	"torch._utils._rebuild_tensor":               {what: makeTensor},
	"torch._utils._rebuild_tensor_v2":            {what: makeTensor},
	"torch._utils._rebuild_parameter":            {what: makeParam},
	"torch._utils._rebuild_parameter_with_state": {what: makeParam},
	"collections.OrderedDict":                    {what: makeDict},
	"torch.Size":                                 {what: makeTuple},
	"torch.device":                               {what: makeInert},

	"torch.FloatStorage":    {what: storageType, data: float32Type},
	"torch.DoubleStorage":   {what: storageType, data: float64Type},
	"torch.HalfStorage":     {what: storageType, data: float16Type},
	"torch.BFloat16Storage": {what: storageType, data: bfloat16Type},
	"torch.LongStorage":     {what: storageType, data: int64Type},
	"torch.IntStorage":      {what: storageType, data: int32Type},
	"torch.ShortStorage":    {what: storageType, data: int16Type},
	"torch.CharStorage":     {what: storageType, data: int8Type},
	"torch.ByteStorage":     {what: storageType, data: uint8Type},
	"torch.BoolStorage":     {what: storageType, data: uint8Type},

	"torch.float32": {what: plainType}, "torch.float64": {what: plainType}, "torch.float16": {what: plainType},
	"torch.bfloat16": {what: plainType}, "torch.int64": {what: plainType}, "torch.int32": {what: plainType},
	"torch.int16": {what: plainType}, "torch.int8": {what: plainType}, "torch.uint8": {what: plainType},
	"torch.bool": {what: plainType},

	// The settings and scores that training scripts save beside their weights.
	"argparse.Namespace":            {what: makeInert},
	"numpy.core.multiarray.scalar":  {what: makeInert},
	"numpy._core.multiarray.scalar": {what: makeInert},
	"numpy.dtype":                   {what: makeInert},
	"_codecs.encode":                {what: makeInert},
	"pathlib.PosixPath":             {what: makeInert},
	"pathlib._local.PosixPath":      {what: makeInert},
}

func lookup(module, name string) (global, bool) {
	full := module + "." + name
	g, ok := names[full]
	g.name = full
	return g, ok
}
