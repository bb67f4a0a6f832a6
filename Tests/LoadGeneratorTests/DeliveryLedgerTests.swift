import LoadGenerator
import Testing

@Suite struct DeliveryLedgerTests {
    private let message = Identifier(high: 1, low: 2)

    @Test func `a message is open from its beginning to its receipt`() {
        var ledger = DeliveryLedger()
        let sequence = ledger.begin(due: 5)
        #expect(ledger.open == 1)
        let due = ledger.markStored(sequence)
        #expect(due == 5)
        let delivery = ledger.markDelivered(sequence, messageId: message)
        #expect(delivery == .first(due: 5))
        #expect(ledger.open == 1)
        let receiptedDue = ledger.markReceipted(messageId: message)
        #expect(receiptedDue == 5)
        #expect(ledger.open == 0)
        #expect(ledger.lost == 0)
        #expect(ledger.withoutReceipt == 0)
    }

    @Test func `a stored message that nobody received is lost`() {
        var ledger = DeliveryLedger()
        _ = ledger.markStored(ledger.begin(due: 0))
        #expect(ledger.lost == 1)
    }

    @Test func `a failed send is not lost, and no longer open`() {
        var ledger = DeliveryLedger()
        ledger.markFailed(ledger.begin(due: 0))
        #expect(ledger.lost == 0)
        #expect(ledger.failed == 1)
        #expect(ledger.open == 0)
    }

    @Test func `a failed send that was delivered and receipted all the same is closed once`() {
        for failsFirst in [true, false] {
            var ledger = DeliveryLedger()
            let sequence = ledger.begin(due: 0)
            if failsFirst { ledger.markFailed(sequence) }
            _ = ledger.markDelivered(sequence, messageId: message)
            _ = ledger.markReceipted(messageId: message)
            if !failsFirst { ledger.markFailed(sequence) }
            #expect(ledger.open == 0)
        }
    }

    @Test func `a second delivery is a duplicate, and its receipt counts once`() {
        var ledger = DeliveryLedger()
        let sequence = ledger.begin(due: 0)
        _ = ledger.markDelivered(sequence, messageId: message)
        let again = ledger.markDelivered(sequence, messageId: message)
        #expect(again == .duplicate)
        #expect(ledger.duplicates == 1)
        #expect(ledger.delivered == 1)
        let receipts = [ledger.markReceipted(messageId: message), ledger.markReceipted(messageId: message)]
        #expect(receipts == [0, nil])
        #expect(ledger.receipted == 1)
    }

    @Test func `a delivery before the answer to its send is in order`() {
        var ledger = DeliveryLedger()
        let sequence = ledger.begin(due: 0)
        _ = ledger.markDelivered(sequence, messageId: message)
        _ = ledger.markStored(sequence)
        #expect(ledger.lost == 0)
        #expect(ledger.withoutReceipt == 1)
    }

    @Test func `a message of another run is foreign`() {
        var ledger = DeliveryLedger()
        let delivery = ledger.markDelivered(0, messageId: message)
        #expect(delivery == .foreign)
        let due = ledger.markReceipted(messageId: message)
        #expect(due == nil)
    }
}
