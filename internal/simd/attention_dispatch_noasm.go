//go:build !amd64 || purego

package simd

func (w *Workspace) attentionForward(a *attentionArgs[float32])  { w.attentionForwardGeneric(a) }
func (w *Workspace) attentionBackward(a *attentionArgs[float32]) { w.attentionBackwardGeneric(a) }

func (w *Workspace) attentionForwardBF16(a *attentionArgs[BF16])  { w.attentionForwardWidened(a) }
func (w *Workspace) attentionBackwardBF16(a *attentionArgs[BF16]) { w.attentionBackwardWidened(a) }
