package pipeline

// CrashPoint names a place between two steps of a promise where a crash must do no
// harm. Tests kill the process there; in production the hook is nil.
type CrashPoint string

// The crash points, in the order in which a batch passes them.
const (
	CrashFetched          CrashPoint = "fetched"
	CrashPendingCommitted CrashPoint = "pending-committed"
	CrashLedgerInserted   CrashPoint = "ledger-inserted"
	CrashDerivedInserted  CrashPoint = "derived-inserted"
	CrashDeadLetterAcked  CrashPoint = "dead-letter-acknowledged"
	CrashCommitted        CrashPoint = "committed"
	CrashCursorSaved      CrashPoint = "cursor-saved"
)

// CrashHook is called at each crash point. A nil hook does nothing.
type CrashHook func(CrashPoint)

// At calls the hook, if there is one.
func (h CrashHook) At(p CrashPoint) {
	if h != nil {
		h(p)
	}
}
