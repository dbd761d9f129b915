"""Cut out of plotly.js: what the traces asked for need, and nothing where that is not sure."""

import re

import pytest
from plotly.offline import get_plotlyjs

from autopelt.report.page import make_cards
from autopelt.report.plotly_js import TRACES, plotly_js
from autopelt.report.plotly_part import part

HEAD = (
    "var Plotly=(()=>{var W=(e,t)=>()=>(t||e((t={exports:{}}).exports,t),t.exports),"
    "Ea=(e)=>()=>(e&&e(e=0)),Fp=(e,t)=>{e=t},x=f(()=>{});"
)
MODULES = {
    "core": 'var core=W((e,t)=>{"use strict";var a=util(),b=/[({"]/;t.exports={a,b}});',
    "util": 'var util=W(t=>{t.name="it\'s )}";(open1(),t.more=open2)});',
    "es": "var open2={};Fp(open2,{one:()=>one1});function one1(){return far1(2)}"
    'var open1=Ea(()=>{"use strict";});',
    "es far": "var open4={};Fp(open4,{});function far1(e){return e}var open3=Ea(()=>{});",
    "idle": "var idle=W(t=>{t.x=1});",
    "es idle": "var open6={};Fp(open6,{});function none1(){}var open5=Ea(()=>{});",
    "bar of": 'var barOf=W((e,t)=>{t.exports={moduleType:"trace",name:"bar",calc:core()}});',
    "bar": 'var bar=W((e,t)=>{"use strict";t.exports=barOf()});',
    "map data": "var mapData=W((e,t)=>{t.exports=`a ${1} map, util() and core()`});",
    "map": 'var map=W((e,t)=>{t.exports={moduleType:"trace",name:"map",data:mapData()}});',
}
LAST = "var last=W((e,t)=>{var r=core();r.register([map(),bar()]);t.exports=r});return last();})();"
SCRIPT = HEAD + "".join(MODULES.values()) + LAST


def test_what_is_asked_for_stays_with_all_that_it_needs():
    kept = [MODULES[name] for name in ("core", "util", "es", "es far", "bar of", "bar")]
    assert part(SCRIPT, frozenset({"bar"})) == HEAD + "".join(kept) + LAST.replace("map(),", "")


@pytest.mark.parametrize(
    "script",
    ["", "window.Plotly = {};", SCRIPT.replace("register([map(),bar()])", "register(all)")],
)
def test_a_script_of_another_make_stays_whole(script):
    assert part(script, frozenset({"bar"})) == script
    assert part(SCRIPT, frozenset({"bar", "pie"})) == SCRIPT


def test_of_the_installed_script_a_quarter_is_left():
    whole, left = get_plotlyjs(), plotly_js()
    assert len(left) < 0.3 * len(whole)
    assert left.startswith(whole[:200])  # version and licence
    assert left.endswith(whole[-60:])
    assert set(re.findall(r'moduleType:"trace",name:"(\w+)"', left)) >= {
        "bar",
        "heatmap",
        "scatter",
    }
    assert 'name:"sankey"' in whole
    assert 'name:"sankey"' not in left


def test_cards_draw_nothing_else(example):
    kinds = {t["type"] for c in make_cards(example) for f in c.figures for t in f.data}
    assert kinds == TRACES | {"scatter"}
