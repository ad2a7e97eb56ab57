"""Files as a part: uploads that a command keeps, downloads, and resumable uploads."""

from typing import Final

from headwater.binding import Parameter, ParameterMisplaced, Provided, Provider, Services, Site
from headwater.binding.provider import Bind
from headwater.http.binding.inputs import FromRequest, Receive, RouteSubject
from headwater.http.binding.rendering import responses_of
from headwater.http.files.document import describe_files
from headwater.http.files.download import Download
from headwater.http.files.facts import Downloads, TakesUpload
from headwater.http.files.options import UploadOption
from headwater.http.files.problems import OBJECT_PROBLEMS
from headwater.http.files.sending import with_download
from headwater.http.files.tus import ResumableStep, rewrite
from headwater.http.files.upload import Intake, Staged, Upload, keep_upload, with_upload
from headwater.http.message.request import Request
from headwater.http.route.route import Route, refuse_option
from headwater.http.step.description import Describe
from headwater.http.step.operation import Draft, Endless, Incompressible, Operation, WaitsFor, Within
from headwater.http.step.step import Accepts, Rewrite, Stage, Step, TransactionStep
from headwater.objects.staging import Staging
from headwater.part import Part

_READS: Final = WaitsFor(frozenset({"reads"}))


def files() -> Part:
    """Receive and send files."""
    return Part(
        "files",
        Provider(kind=Upload, context=Request, provide=_provide),
        Accepts(ResumableStep),
        Rewrite(rewrite=rewrite),
        Step(
            name="downloads",
            stage=Stage.EXECUTION,
            does="sends the object that a Download refers to",
            plan=_plan_download,
            wrap=with_download,
        ),
        Step(
            name="uploads",
            stage=Stage.EXECUTION,
            does="deletes an upload that was not committed",
            plan=_plan_upload,
            wrap=with_upload,
        ),
        TransactionStep(name="keep", does="makes the upload an object of the transaction", plan=_plan_keeping),
        *OBJECT_PROBLEMS,
        Describe(of=describe_files),
    )


def _provide(site: Site, parameter: Parameter) -> Provided:
    subject = site.subject
    if not isinstance(subject, RouteSubject):
        site.misplaced(parameter, "only a command's own handler takes the body", "Take it in the handler.")
    if not subject.writes:
        site.misplaced(parameter, "a query keeps nothing", "Make it a command.")
    route = subject.route
    return FromRequest(
        kind=Upload,
        bind=_bind,
        receive=lambda services: _receive(route, services),
        waits_for=frozenset({"writes"}),
        uses=frozenset({Staging}),
        statuses=(408, 413, 415, 507),
        facts=(TakesUpload(parameter.name, tuple(route.option(UploadOption).media_types)),),
    )


def _bind(services: Services) -> Bind:
    return lambda request: request.state[Staged].upload


def _receive(route: Route, services: Services) -> Receive:
    return Intake(route, services[Staging]).receive


def _plan_keeping(draft: Draft) -> Within | None:
    taken, route, declared = draft.fact(TakesUpload), draft.route, draft.option(UploadOption)
    if taken is None:
        for option in ("upload_limit", "media_types"):
            if getattr(declared, option):
                refuse_option(route, option, "the handler does not take `upload: Upload`")
        return None
    if draft.binding.tx_index is None:
        raise ParameterMisplaced(
            subject=route,
            handler=route.location,
            parameter=taken.parameter,
            kind="Upload",
            reason="a transaction keeps it, and the command takes none",
            fix="Take `tx: Tx` as well.",
        )
    return Within(link=lambda services: keep_upload)


def _plan_upload(operation: Operation) -> TakesUpload | None:
    if operation.option(ResumableStep).step is not None:
        operation.note(Endless())
    return operation.fact(TakesUpload)


def _plan_download(operation: Operation) -> Downloads | None:
    if not any(issubclass(each, Download) for each in responses_of(operation.signature)):
        return None
    operation.note(_READS)
    operation.note(Incompressible())
    return Downloads()
