package sentiment

import (
	"syscall"
	"unsafe"
)

// onBigPages copies data to memory of big pages where the system has them: a text asks for some hundred places all over the
// weights, and the processor remembers the addresses of small pages of a part of them alone. It is advice; where it is not
// taken nothing changes but the speed.
func onBigPages(data []byte) []byte {
	const small, big = 4 << 10, 2 << 20
	room := make([]byte, len(data)+big+small)
	begin := big - int(uintptr(unsafe.Pointer(unsafe.SliceData(room)))%big) //nolint:gosec // the address is asked for, nothing is reached through it
	end := begin + (len(data)+small-1)/small*small
	_ = syscall.Madvise(room[begin:end], syscall.MADV_HUGEPAGE)
	return append(room[begin:begin:end], data...)
}
