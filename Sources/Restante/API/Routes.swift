import HTTPServer

/// The whole API on one screen.
enum Routes {
    static let all: [Endpoint] = [
        .post("/v1/sendOTP", "sendOTP", for: .everyone, .await(SessionEndpoints.sendOTP)),
        .post("/v1/register", "register", for: .everyone, .await(SessionEndpoints.register)),
        .post("/v1/login", "login", for: .everyone, .await(SessionEndpoints.login)),
        .post("/v1/refreshToken", "refreshToken", for: .everyone, .await(SessionEndpoints.refreshToken)),
        .post("/v1/logout", "logout", .await(SessionEndpoints.logout)),

        .get("/v1/getUser", "getUser", .await(UserEndpoints.getUser)),
        .post("/v1/updateUser", "updateUser", .await(UserEndpoints.updateUser)),
        .post("/v1/deleteAccount", "deleteAccount", .await(UserEndpoints.deleteAccount)),
        .post("/v1/lookupUsers", "lookupUsers", .await(UserEndpoints.lookupUsers)),
        .get("/v1/listDevices", "listDevices", .await(UserEndpoints.listDevices)),
        .post("/v1/removeDevice", "removeDevice", .await(UserEndpoints.removeDevice)),
        .post("/v1/blockUser", "blockUser", .await(BlockEndpoints.blockUser)),
        .post("/v1/unblockUser", "unblockUser", .await(BlockEndpoints.unblockUser)),
        .get("/v1/listBlockedUsers", "listBlockedUsers", .await(BlockEndpoints.listBlockedUsers)),

        .upload("/v1/uploadMedia", "uploadMedia", upTo: .mediaBytes, headers: MediaEndpoints.uploadHeaders, MediaEndpoints.uploadMedia),
        .download("/v1/downloadMedia", "downloadMedia", headers: MediaEndpoints.downloadHeaders, MediaEndpoints.downloadMedia),
        .tus(.options, "/v1/media/tus", "describeUploads", ResumableUploadEndpoints.describe),
        .tus(.post, "/v1/media/tus", "createUpload", ResumableUploadEndpoints.create),
        .tus(.head, "/v1/media/tus/{uploadId}", "getUploadOffset", ResumableUploadEndpoints.tell),
        .tus(.patch, "/v1/media/tus/{uploadId}", "resumeUpload", ResumableUploadEndpoints.resume),
        .tus(.delete, "/v1/media/tus/{uploadId}", "deleteUpload", ResumableUploadEndpoints.delete),

        .post("/v1/sendMessage", "sendMessage", upTo: .ciphertextsBytes, .handOff(SendEndpoints.sendMessage)),
        .post("/v1/sendGroupMessage", "sendGroupMessage", upTo: .ciphertextsBytes, .handOff(SendEndpoints.sendGroupMessage)),
        .get("/v1/fetchMessages", "fetchMessages", .handOff(FetchEndpoints.fetchMessages)),
        .post("/v1/fetchMessages", "acknowledgeAndFetch", .handOff(FetchEndpoints.acknowledgeAndFetch)),
        .post("/v1/acknowledge", "acknowledge", .handOff(FetchEndpoints.acknowledge)),
        .post("/v1/markRead", "markRead", .await(ReadReceiptEndpoint.markRead)),

        .post("/v1/createGroup", "createGroup", .await(GroupEndpoints.createGroup)),
        .post("/v1/updateGroup", "updateGroup", .await(GroupEndpoints.updateGroup)),
        .post("/v1/addMember", "addMember", .await(GroupEndpoints.addMember)),
        .post("/v1/removeMember", "removeMember", .await(GroupEndpoints.removeMember)),
        .post("/v1/setAdmin", "setAdmin", .await(GroupEndpoints.setAdmin)),
        .post("/v1/createInvite", "createInvite", .await(InviteEndpoints.createInvite)),
        .post("/v1/revokeInvite", "revokeInvite", .await(InviteEndpoints.revokeInvite)),
        .post("/v1/joinGroup", "joinGroup", .await(InviteEndpoints.joinGroup)),
        .post("/v1/leaveGroup", "leaveGroup", .await(GroupEndpoints.leaveGroup)),
        .get("/v1/fetchGroups", "fetchGroups", .await(GroupEndpoints.fetchGroups)),
        .get("/v1/getAll", "getAll", .await(ChatEndpoints.getAll)),
        .get("/v1/fetchGroupMembers", "fetchGroupMembers", .await(GroupEndpoints.fetchGroupMembers)),

        .post("/v1/uploadKeys", "uploadKeys", upTo: .uploadKeysBytes, .await(KeyEndpoints.uploadKeys)),
        .post("/v1/claimKeys", "claimKeys", .await(KeyEndpoints.claimKeys)),
        .get("/v1/countKeys", "countKeys", .await(KeyEndpoints.countKeys)),

        .post("/v1/heartbeat", "heartbeat", .answer(PresenceEndpoints.heartbeat)),
        .get("/v1/getLastSeen", "getLastSeen", .await(PresenceEndpoints.getLastSeen)),
        .post("/v1/subscribe", "subscribe", .answer(PresenceEndpoints.subscribe)),

        .post("/v1/startCall", "startCall", .await(CallEndpoints.startCall)),
        .post("/v1/answerCall", "answerCall", .await(CallEndpoints.answerCall)),
        .post("/v1/signalCall", "signalCall", .await(CallEndpoints.signalCall)),
        .post("/v1/endCall", "endCall", .await(CallEndpoints.endCall)),

        .get("/v1/limits", "limits", for: .everyone, .answer(OperationEndpoints.limits)),
        .get("/healthz", "healthz", for: .probes, .answer(OperationEndpoints.healthz)),
        .get("/readyz", "readyz", for: .probes, .await(OperationEndpoints.readyz)),
        .get("/metrics", "metrics", for: .operators, .answer(OperationEndpoints.metrics)),
        .get("/openapi.yaml", "getOpenapiYaml", for: .everyone, .answer(OperationEndpoints.specificationYAML)),
        .get("/openapi.json", "getOpenapiJson", for: .everyone, .answer(OperationEndpoints.specificationJSON)),
        .get("/problems/{code}", "getProblem", for: .everyone, .answer(OperationEndpoints.problemPage)),
    ]
    /// What the public port serves: everything, less what operators have a listener of their own for.
    static func ofPublicPort(hasAdminListener: Bool) -> [Endpoint] {
        all.filter { !hasAdminListener || $0.access != .operators }
    }

    /// What the admin listener serves.
    static let ofAdminListener = all.filter { $0.access == .operators || $0.access == .probes }
}

/// What the table says, for whoever compares it with openapi.yaml: method, path and operation of each endpoint.
package enum RouteList {
    package static let lines = Routes.all.map { "\($0.method.name) \($0.path) \($0.operation)" }
}
