import Logging
import Postgres

/// What the endpoints work with; made once, by `Application`.
struct Services: Sendable {
    let limits: LimitTable
    let identifiers: IdentifierGenerator
    let metrics: Metrics
    let authentication: Authentication
    let rateLimiter: RateLimiter
    let trustedProxies: TrustedProxies
    let requestLog: RequestLog
    let writers: InboxWriters
    let mailroom: Mailroom
    let audiences: AudienceStore
    let readReceipts: ReadReceiptStore
    let oneTimePasswords: OneTimePasswordStore
    let otpSender: any OTPSender
    let otpCountries: CallingCodes
    let users: UserStore
    let devices: DeviceStore
    let sessions: SessionStore
    let groups: GroupStore
    let invites: InviteStore
    let chats: ChatStore
    let push: Push
    let contacts: ContactStore
    let keys: KeyStore
    let presence: Presence
    let calls: CallStore
    let relayServers: RelayServers
    let blocks: BlockStore
    let accountRemoval: AccountRemoval
    let media: MediaLibrary
    let uploads: TransferSlots
    let downloads: TransferSlots
    let health: Health
    let specification: Specification
}
