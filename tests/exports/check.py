"""Reads exports with the tools that they are for.

usage: check.py FOLDER [OPENAPI]

Every file of the folder is named for its form: NAME.prov, NAME.prov-ld, NAME.croissant,
NAME.statement, NAME.card, NAME.svg. Exits with 1 and says why at the first that its
tool does not take, or whose texts turn into markup.
"""

import json
import logging
import re
import sys
from pathlib import Path

import defusedxml.ElementTree
import mlcroissant
import openapi_spec_validator
import prov.model
import rdflib
from google.protobuf import json_format
from huggingface_hub import ModelCard
from in_toto_attestation.predicates.provenance.v1 import provenance_pb2
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement
from markdown_it import MarkdownIt

SVG = "{http://www.w3.org/2000/svg}"
ELEMENTS = {SVG + name for name in ("svg", "title", "style", "rect", "path", "g", "text")}
PROV = rdflib.Namespace("http://www.w3.org/ns/prov#")
RELATIONS = {
    "wasAttributedTo": prov.model.ProvAttribution,
    "wasAssociatedWith": prov.model.ProvAssociation,
    "wasGeneratedBy": prov.model.ProvGeneration,
    "wasDerivedFrom": prov.model.ProvDerivation,
    "used": prov.model.ProvUsage,
}
# Marks of direction, and others that are not seen.
HIDDEN = re.compile("[\u0000-\u0008\u000b-\u001f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


def check_prov(text):
    document = prov.model.ProvDocument.deserialize(content=text, format="json")
    again = prov.model.ProvDocument.deserialize(content=document.serialize(format="json"), format="json")
    assert document == again, "it changes when it is written again"
    elements = {record.identifier for record in document.get_records(prov.model.ProvElement)}
    for record in document.get_records(prov.model.ProvRelation):
        for _, end in record.formal_attributes:
            if isinstance(end, prov.model.QualifiedName):
                assert end in elements, f"{record} names {end}, which is not described"
    document.serialize(format="rdf", rdf_format="trig")


def check_prov_ld(text):
    graph = rdflib.Graph().parse(data=text, format="json-ld")
    described = set(graph.subjects(rdflib.RDF.type, None))
    for relation in RELATIONS:
        for pair in graph.subject_objects(PROV[relation]):
            assert described.issuperset(pair), f"{pair} is not described"
    assert not list(graph.query("SELECT ?s WHERE { ?s ?p ?o . FILTER(isLiteral(?s)) }"))


def check_same_relations(in_json, in_json_ld):
    """Both forms of PROV say who made what of what."""
    document = prov.model.ProvDocument.deserialize(content=in_json, format="json")
    graph = rdflib.Graph().parse(data=in_json_ld, format="json-ld")
    for relation, kind in RELATIONS.items():
        records = [record.formal_attributes[:2] for record in document.get_records(kind)]
        ends = {tuple(rdflib.URIRef(name.uri) for _, name in record) for record in records}
        assert ends == set(graph.subject_objects(PROV[relation])), relation
    for record in document.get_records(prov.model.ProvElement):
        assert (rdflib.URIRef(record.identifier.uri), rdflib.RDF.type, None) in graph, record
        for label in record.get_attribute("prov:label"):
            assert (rdflib.URIRef(record.identifier.uri), rdflib.RDFS.label, rdflib.Literal(label)) in graph, record


def check_croissant(text):
    dataset = mlcroissant.Dataset(jsonld=json.loads(text))
    errors = dataset.metadata.ctx.issues.errors
    assert not errors, errors
    for file in json.loads(text).get("distribution", []):
        assert re.fullmatch("[0-9a-f]{64}", file["sha256"]), file


def check_statement(text):
    # Unknown fields are refused by both.
    Statement.copy_from_pb(json_format.Parse(text, statement_pb2.Statement())).validate()
    predicate = json_format.ParseDict(json.loads(text)["predicate"], provenance_pb2.Provenance())
    assert predicate.build_definition.build_type and predicate.run_details.builder.id


def check_card(text):
    card = ModelCard(text)
    assert card.data.license == "other" and card.data.to_dict()["assay"]["model"].startswith("0x")
    for rendered in (MarkdownIt("commonmark"), MarkdownIt("gfm-like")):
        for token in rendered.parse(card.text):
            for part in [token, *(token.children or [])]:
                assert part.type not in ("html_block", "html_inline", "image"), part
                target = part.attrGet("href") if part.type == "link_open" else None
                assert target is None or target.startswith("https://example.org/") or target.startswith("http://127."), part
        headings = [token for token in rendered.parse(card.text) if token.type == "heading_open"]
        assert len(headings) == 6, headings
    assert not HIDDEN.search(text), "a character that is not seen"


def check_svg(text):
    for element in defusedxml.ElementTree.fromstring(text).iter():
        assert element.tag in ELEMENTS, element.tag
        for name in element.attrib:
            assert "href" not in name and not name.startswith("on"), name
    assert not HIDDEN.search(text), "a character that is not seen"


def main():
    logging.getLogger("absl").setLevel(logging.ERROR)
    counts = {}
    for path in sorted(Path(sys.argv[1]).iterdir()):
        form = path.suffix[1:]
        try:
            globals()[f"check_{form.replace('-', '_')}"](path.read_text(encoding="utf-8"))
            if form == "prov":
                check_same_relations(path.read_text(encoding="utf-8"), path.with_suffix(".prov-ld").read_text(encoding="utf-8"))
        except Exception as error:
            print(f"{path.name}: {type(error).__name__}: {error}\n{path.read_text()[:4000]}")
            return 1
        counts[form] = counts.get(form, 0) + 1
    if len(sys.argv) > 2:
        openapi_spec_validator.validate(json.loads(Path(sys.argv[2]).read_text()))
        counts["openapi"] = 1
    print("accepted:", ", ".join(f"{count} {form}" for form, count in counts.items()))
    return 0


sys.exit(main())
