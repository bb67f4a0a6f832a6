/// A run of messages, in numbers.
package struct MessageReport: Report {
    package var devices: Int
    package var seconds: Double
    package var storedPerSecond: Double
    package var deliveredPerSecond: Double
    package var acknowledgedPerSecond: Double
    package var sendLatency: LatencySummary
    package var deliveryLatency: LatencySummary
    package var receiptLatency: LatencySummary
    package var begun: Int
    package var stored: Int
    package var delivered: Int
    package var acknowledged: Int
    package var lost: Int
    package var withoutReceipt: Int
    package var duplicates: Int
    package var polls: Int
    package var sendFailures: FailureCount
    package var pollFailures: FailureCount
    package var generatorCores: Double
    package var serverCores: Double?

    /// The cores are processor seconds a second over the whole run.
    package init(_ measurements: MessageMeasurements, plan: MessagePlan, devices: Int, generatorCores: Double, serverCores: Double?) {
        self.devices = devices
        seconds = plan.seconds
        storedPerSecond = Double(measurements.storedInWindow) / plan.seconds
        deliveredPerSecond = Double(measurements.deliveredInWindow) / plan.seconds
        acknowledgedPerSecond = Double(measurements.acknowledgedInWindow) / plan.seconds
        sendLatency = measurements.sendLatency.summary
        deliveryLatency = measurements.deliveryLatency.summary
        receiptLatency = measurements.receiptLatency.summary
        begun = measurements.begun
        stored = measurements.stored
        delivered = measurements.delivered
        acknowledged = measurements.acknowledged
        lost = measurements.lost
        withoutReceipt = measurements.withoutReceipt
        duplicates = measurements.duplicates
        polls = measurements.polls
        sendFailures = measurements.sendFailures
        pollFailures = measurements.pollFailures
        self.generatorCores = generatorCores
        self.serverCores = serverCores
    }

    package var rows: [(name: String, value: String)] {
        [
            ("devices", String(devices)),
            ("sent and stored", "\(storedPerSecond.fixed(0))/s"),
            ("delivered", "\(deliveredPerSecond.fixed(0))/s"),
            ("acknowledged, receipt delivered", "\(acknowledgedPerSecond.fixed(0))/s"),
            ("due to stored", sendLatency.text),
            ("due to delivered", deliveryLatency.text),
            ("due to receipt delivered", receiptLatency.text),
            ("messages in all", "\(begun) begun, \(stored) stored, \(delivered) delivered, \(acknowledged) acknowledged"),
            ("lost", String(lost)),
            ("without receipt", String(withoutReceipt)),
            ("delivered twice", String(duplicates)),
            ("polls", String(polls)),
            ("failed sends", sendFailures.text),
            ("failed polls", pollFailures.text),
            ("cores of the generator", generatorCores.fixed(2)),
        ] + (serverCores.map { [("cores of the server", $0.fixed(2))] } ?? [])
    }
}
