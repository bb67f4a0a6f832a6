import CJansson

/// An immutable JSON value, shared by whoever holds it.
///
/// A value is a node of a jansson tree and a share of the document that keeps the tree alive. Reading a member
/// or an element hands out the same share with another node, so it allocates nothing; the other side is that a small value
/// keeps its whole document. Putting a value into a new object or array shares the node too: trees are never copied.
///
/// How deep a tree can be is bounded wherever one is made (`parse`, `array`, `object`), because jansson walks, writes and
/// frees trees by recursion.
///
/// `@unchecked Sendable`: a node is written only before the `JSON` that names it exists and never after, and jansson's
/// reference counts are atomic ("thread safe for all read-only functions plus reference counting").
/// Source: jansson.h, JANSSON_THREAD_SAFE_REFCOUNT; https://jansson.readthedocs.io/en/2.14/threadsafety.html
package struct JSON: @unchecked Sendable {
    /// What a value is. Integers and reals are different kinds: `1` is an integer, `1.0` is not.
    package enum Kind: Sendable {
        case object, array, string, integer, real, boolean, null
    }

    /// The deepest tree that can be built or parsed, the outermost value counted; 256 levels of jansson's
    /// recursion need some 64 KiB of stack, and threads here have 8 MiB.
    package static let deepest = 256

    private let node: UnsafeMutablePointer<json_t>
    /// Levels of the tree below and including `node`; never less than there are, for a parsed value often more.
    let depth: Int
    private let document: Document

    /// Takes over the caller's reference to `node`.
    init(owning node: UnsafeMutablePointer<json_t>, depth: Int) {
        self.node = node
        self.depth = depth
        self.document = Document(owning: node)
    }

    /// A node somewhere below `parent`, which keeps it alive.
    init(_ node: UnsafeMutablePointer<json_t>, in parent: JSON) {
        self.node = node
        self.depth = parent.depth
        self.document = parent.document
    }

    /// Lends the node for the length of `body`.
    ///
    /// The only way to it: Swift may free the document after its last use, and cannot see that the node is one.
    func withNode<Result>(_ body: (UnsafeMutablePointer<json_t>) -> Result) -> Result {
        withExtendedLifetime(document) { body(node) }
    }
}

/// The one reference to the root of a tree; giving it back frees what no other tree shares.
///
/// `@unchecked Sendable`: it is only ever held, and released once by `deinit`, on whichever thread comes last.
private final class Document: @unchecked Sendable {
    private let root: UnsafeMutablePointer<json_t>

    init(owning root: UnsafeMutablePointer<json_t>) {
        self.root = root
    }

    deinit {
        json_decref(root)
    }
}

/// Seeds jansson's hash tables from the system's random numbers, once, so that no client can choose keys that collide.
///
/// jansson would seed itself with the first object; doing it here makes that happen before there is a second thread in it.
/// Source: https://jansson.readthedocs.io/en/2.14/apiref.html#c.json_object_seed
let hashSeeding: Void = json_object_seed(0)
