package pth

import (
	"fmt"

	"github.com/nlpodyssey/gopickle/types"
	"github.com/samba-web/samba/model/safetensors"
)

// callable is a class or function of the list: what the pickle's REDUCE calls.
type callable func(args []any) (any, error)

func (c callable) Call(args ...any) (any, error) { return c(args) }

// opaque stands for a value that a checkpoint may hold and nobody here reads.
type opaque struct{}

// storageClass is the type of a storage's elements. An empty dtype is one that
// may lie in an optimizer, never in a weight.
type storageClass struct {
	name  string
	dtype safetensors.DType
}

// storage is a run of elements in the archive, not yet read.
type storage struct {
	class storageClass
	key   string
	numel int
}

// classes is the whole list: what a checkpoint of tensors, numbers and
// dictionaries needs. A nil value is resolved by the unpickler itself.
var classes = map[string]any{
	"collections.OrderedDict": nil,
	"collections.defaultdict": callable(func([]any) (any, error) { return types.NewDict(), nil }),

	"torch._utils._rebuild_tensor":               callable(rebuildTensor),
	"torch._utils._rebuild_tensor_v2":            callable(rebuildTensor),
	"torch._utils._rebuild_parameter":            callable(first),
	"torch._utils._rebuild_parameter_with_state": callable(first),
	"torch.nn.parameter.Parameter":               callable(first),
	"torch.Size":                                 callable(first),
	"torch.device":                               callable(func([]any) (any, error) { return opaque{}, nil }),

	"torch.FloatStorage":         storageClass{"float32", safetensors.F32},
	"torch.HalfStorage":          storageClass{"float16", safetensors.F16},
	"torch.BFloat16Storage":      storageClass{"bfloat16", safetensors.BF16},
	"torch.DoubleStorage":        storageClass{"float64", safetensors.F64},
	"torch.LongStorage":          storageClass{name: "int64"},
	"torch.IntStorage":           storageClass{name: "int32"},
	"torch.ShortStorage":         storageClass{name: "int16"},
	"torch.CharStorage":          storageClass{name: "int8"},
	"torch.ByteStorage":          storageClass{name: "uint8"},
	"torch.BoolStorage":          storageClass{name: "bool"},
	"torch.ComplexFloatStorage":  storageClass{name: "complex64"},
	"torch.ComplexDoubleStorage": storageClass{name: "complex128"},

	"torch.float32": opaque{}, "torch.float16": opaque{}, "torch.bfloat16": opaque{}, "torch.float64": opaque{},
	"torch.int64": opaque{}, "torch.int32": opaque{}, "torch.bool": opaque{},
}

// allowed refuses a class that is not on the list, by name.
func allowed(module, name string) error {
	if _, ok := classes[module+"."+name]; !ok {
		return fmt.Errorf("the pickle asks for %.80q, which is not among the classes that a checkpoint needs: it could run code and is refused", module+"."+name)
	}
	return nil
}

func findClass(module, name string) (any, error) {
	if err := allowed(module, name); err != nil {
		return nil, err
	}
	return classes[module+"."+name], nil
}

// first is a class that is its first argument and something we need not know.
func first(args []any) (any, error) {
	if len(args) == 0 {
		return nil, fmt.Errorf("the pickle builds a parameter or shape of nothing")
	}
	return args[0], nil
}

// persistentLoad resolves ("storage", class, key, location, numel) without
// reading the storage.
func persistentLoad(id any) (any, error) {
	parts, ok := id.(*types.Tuple)
	if !ok || parts.Len() != 5 || parts.Get(0) != "storage" {
		return nil, fmt.Errorf("the pickle refers to something beside it that is not a tensor's storage")
	}
	class, ok1 := parts.Get(1).(storageClass)
	key, ok2 := parts.Get(2).(string)
	numel, ok3 := parts.Get(4).(int)
	if !ok1 || !ok2 || !ok3 || numel < 0 {
		return nil, fmt.Errorf("the pickle describes a storage in a way that PyTorch does not")
	}
	return storage{class, key, numel}, nil
}

// rebuildTensor takes (storage, offset, size, stride, ...), all in elements.
// The storage is checked against the archive only when the tensor is used.
func rebuildTensor(args []any) (any, error) {
	if len(args) < 4 {
		return nil, fmt.Errorf("the pickle builds a tensor from %d arguments, want at least 4", len(args))
	}
	s, ok1 := args[0].(storage)
	offset, ok2 := args[1].(int)
	shape, ok3 := ints(args[2])
	strides, ok4 := ints(args[3])
	if !ok1 || !ok2 || !ok3 || !ok4 {
		return nil, fmt.Errorf("the pickle builds a tensor in a way that PyTorch does not")
	}
	return &Tensor{Shape: shape, strides: strides, offset: offset, storage: s}, nil
}

// ints reads a tuple of a few whole numbers.
func ints(v any) ([]int, bool) {
	tuple, ok := v.(*types.Tuple)
	if !ok || tuple.Len() > 8 {
		return nil, false
	}
	list := make([]int, tuple.Len())
	for i := range list {
		if list[i], ok = tuple.Get(i).(int); !ok {
			return nil, false
		}
	}
	return list, true
}
