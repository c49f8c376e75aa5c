package nn

// A chain is a row of loops that a batch's images pass through with as few
// waits as their data allow. Each thread has the same images in all loops over
// rows, so that it may begin the next such loop when it has finished its own
// part of the last one, whatever the others do: a loop's rows are made from the
// same image's rows of earlier loops, never another's. A loop over columns
// reads all rows: it begins when everything before has ended. Every wait costs
// what the threads differ by, and there is less to differ by in long runs.
//
// A chain changes who computes what and when, never a result: loops are the
// same functions over parts of the same ranges.
type chain struct {
	images  int // 0: no chain is open
	pending []loop
}

// loop is a loop that waits for its turn.
type loop struct {
	perImage int // iterations an image; 0: n iterations that don't belong to images
	n        int
	body     func(worker, lo, hi int)
}

// imagesPerThread is how many make parts even enough. With fewer to a thread, a
// thread may get a good deal more than another, and each loop is cut on its own.
const imagesPerThread = 8

// Begin opens a chain for batch images. From here to End, what loops write may
// be read by others than later loops only after Wait, and rows of a loop must
// not be in the memory that rows of other images have in loops before it.
func (m *Machine) Begin(batch int) {
	threads := m.team.Threads()
	if threads > 1 && (batch%threads == 0 || batch >= imagesPerThread*threads) {
		m.chain.images = batch
	}
}

// End waits for the chain's loops and closes it.
func (m *Machine) End() {
	m.Wait()
	m.chain.images = 0
}

// Wait returns when all loops so far have ended. Outside of a chain they have.
func (m *Machine) Wait() {
	if len(m.chain.pending) > 0 {
		m.team.Do(len(m.workers), m.runPending)
		m.chain.pending = m.chain.pending[:0]
	}
}

// Do runs body on contiguous parts of [0, n), as team.Team.Do, after all loops
// so far. body must be a function value that exists already: a closure made
// here would allocate.
func (m *Machine) Do(n int, body func(worker, lo, hi int)) {
	m.Wait()
	m.team.Do(n, body)
}

// Rows is Do for a loop over rows, or other units of which each image has as
// many. In a chain it may run later, at the next Wait at the latest.
func (m *Machine) Rows(n int, body func(worker, lo, hi int)) {
	if m.chain.images == 0 {
		m.team.Do(n, body)
		return
	}
	m.chain.pending = append(m.chain.pending, loop{perImage: n / m.chain.images, body: body})
}

// Columns is Do for a loop that reads what any iteration of earlier loops
// wrote. In a chain it may run later, at the next Wait at the latest, beside
// loops over rows that come after it: they must neither write what it reads nor
// read what it writes. The caller sets the fields that body reads after a Wait.
func (m *Machine) Columns(n int, body func(worker, lo, hi int)) {
	m.Wait()
	if m.chain.images == 0 {
		m.team.Do(n, body)
		return
	}
	m.chain.pending = append(m.chain.pending, loop{n: n, body: body})
}

// pendingPart runs the parts of the pending loops that threads lo to hi have.
func (m *Machine) pendingPart(_, lo, hi int) {
	threads, images := len(m.workers), m.chain.images
	for worker := lo; worker < hi; worker++ {
		for i := range m.chain.pending {
			l := &m.chain.pending[i]
			from, to := l.n*worker/threads, l.n*(worker+1)/threads
			if l.perImage > 0 {
				from, to = images*worker/threads*l.perImage, images*(worker+1)/threads*l.perImage
			}
			if from < to {
				l.body(worker, from, to)
			}
		}
	}
}
