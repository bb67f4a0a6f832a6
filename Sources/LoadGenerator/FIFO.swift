/// A queue whose elements leave in the order in which they came, at constant cost.
struct FIFO<Element> {
    private var elements: [Element] = []
    private var head = 0

    var first: Element? {
        head < elements.count ? elements[head] : nil
    }

    mutating func append(_ element: Element) {
        elements.append(element)
    }

    mutating func popFirst() -> Element? {
        guard head < elements.count else { return nil }
        defer {
            head += 1
            if head == elements.count {
                elements.removeAll(keepingCapacity: true)
                head = 0
            }
        }
        return elements[head]
    }
}
