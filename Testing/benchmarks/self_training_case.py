"""ACRIN with the network's own answer and the bone that it missed, as training cases (1.5 mm, LPS). args: OUT"""
import sys, numpy as np, torch
from pathlib import Path
from scipy import ndimage
from BoneSegLib.inference import engine
from BoneSegLib.headless.read import read_volume
from BoneSegLib.options import SegmentOptions
import SimpleITK as sitk
torch.set_num_threads(1)
old=engine._Run._label_table
def table(self):
    t=old(self); t[11]=11; return t
engine._Run._label_table=table
P="../shared/data/ct/abdomen_pelvis_acrin_ct.nii.gz"
v=read_volume(Path(P))
if isinstance(v,tuple): v=v[0]
found=engine.segment(v,SegmentOptions(force=True)).array
img=sitk.ReadImage(P)
# the engine's grid is the volume's; go through SimpleITK to LPS
lab=sitk.GetImageFromArray(found); lab.CopyInformation(img)
ct=sitk.DICOMOrient(img,"LPS"); lb=sitk.DICOMOrient(lab,"LPS")
c=sitk.GetArrayFromImage(ct).astype(np.float32); l=sitk.GetArrayFromImage(lb)
print("network", np.bincount(l.ravel(),minlength=12))
sp=np.array(ct.GetSpacing())[::-1]
# body: largest piece above -300 per volume, opened against the table
body=ndimage.binary_opening(c>-300,iterations=3); p,n=ndimage.label(body); body=p==(np.bincount(p.ravel())[1:].argmax()+1)
body=np.stack([ndimage.binary_fill_holes(s) for s in body])
body=ndimage.binary_erosion(body,np.ones((1,9,9)))
# dense bone elsewhere: the ribs
dense=(c>190)&body
d=ndimage.distance_transform_edt(l==0,sampling=sp)
far=dense&(d>10)
p,n=ndimage.label(far,np.ones((3,3,3))); size=np.bincount(p.ravel(),minlength=n+1); 
keep=size*np.prod(sp)>300; keep[0]=False
ribs=keep[p]
# grown to their edges at 120 HU, one voxel
ribs|=ndimage.binary_dilation(ribs,iterations=2)&(c>120)&(l==0)&body
new=l.copy(); new[ribs&(l==0)]=11
# what touches a found bone and is denser than muscle and vessels of this scan: faint thin bone
# smoothed a little, against noise
s=ndimage.gaussian_filter(c,[0,.7,.7])
cand=(s>135)&body&(new==0)&(d<14)
grown=new.copy()
front=new>0
reach=np.stack([ndimage.binary_propagation(front,mask=front|cand)])[0] if False else ndimage.binary_propagation(front,structure=ndimage.generate_binary_structure(3,1),mask=front|cand)
add=reach&(new==0)
# thin specks at every surface are partial volume: keep what has a core away from the surface
lk=np.pad(l>0,((3,3),(0,0),(0,0)))
between=ndimage.binary_closing(lk,np.ones((5,1,1)))[3:-3]|ndimage.binary_closing(lk,np.ones((7,1,1)))[3:-3]
between&=(l==0)
d2=np.stack([ndimage.distance_transform_edt(q==0,sampling=sp[1:]) if q.any() else np.full(q.shape,99.) for q in l])
core=(s>180)&body&(new==0)&(d<14)&(d2>2.5)&~between
p,n=ndimage.label(core,np.ones((3,3,3))); nc=np.bincount(p.ravel(),minlength=n+1)*np.prod(sp); has=nc>25; has[0]=False
core=has[p]
near=ndimage.binary_dilation(core,np.ones((1,7,7)))
piece=(near&(s>150)&(new==0)&body&~between)|core
i=ndimage.distance_transform_edt(new==0,sampling=sp,return_indices=True,return_distances=False)
grown[piece]=new[tuple(i)][piece]
print("added ml", {int(k):round(float((grown==k).sum()-(new==k).sum())*np.prod(sp)/1000,2) for k in range(1,12)}, "ribs", ribs.sum()*np.prod(sp)/1000)
o=sitk.GetImageFromArray(grown.astype(np.uint8)); o.CopyInformation(ct); sitk.WriteImage(o,"out/acrin_self.nii.gz")
np.savez_compressed("out/acrin_self.npz",l=l,new=new,grown=grown)
# 1.5 mm
size=[int(round(n*q/1.5)) for n,q in zip(ct.GetSize(),ct.GetSpacing())]
def to(im,interp,default):
    f=sitk.ResampleImageFilter(); f.SetOutputSpacing([1.5]*3); f.SetSize(size); f.SetOutputDirection(im.GetDirection())
    # same outer corner
    org=np.array(im.GetOrigin())+ (np.array([1.5]*3)-np.array(im.GetSpacing()))/2
    f.SetOutputOrigin(org.tolist()); f.SetInterpolator(interp); f.SetDefaultPixelValue(default); return f.Execute(im)
im=to(sitk.Cast(ct,sitk.sitkFloat32),sitk.sitkLinear,-1024)
best=None
for k in range(12):
    m=sitk.GetImageFromArray((grown==k).astype(np.float32)); m.CopyInformation(ct)
    a=sitk.GetArrayFromImage(to(m,sitk.sitkLinear,1.0 if k==0 else 0.0))
    if best is None: best,who=a.copy(),np.zeros(a.shape,np.uint8)
    else:
        w=a>best; best[w]=a[w]; who[w]=k
a=np.clip(sitk.GetArrayFromImage(im),-1024,3071).round().astype(np.int16)
# rows of nothing but air at the sides go
rows=np.flatnonzero((a>-300).any((0,2))); 
out=Path(sys.argv[1]); out.mkdir(exist_ok=True,parents=True)
np.save(out/"synth_acrin_ct.npy",a); np.save(out/"synth_acrin_labels.npy",who)
print(a.shape,np.bincount(who.ravel()))
